"""Opening sealed values: for those of one customer, never another's, and never a blank."""

from pathlib import Path

import pytest

from backbone.wiring import Store
from schemas.errors import Unavailable
from store.ring import Ring, RingFault
from store.sealing import Tampered
from tests.stores import append, ask, complaint, opened, subject_of, unreachable


def said(store: Store, identifier: str, text: str) -> tuple[str, str]:
    """A subject and the token of what it said."""
    append(store, complaint(store, identifier, text, text=text))
    subject = subject_of(store, identifier)
    assert subject is not None
    return subject, store.history.of_subject(subject)[-1].data["text"]


def opens(store: Store, subject: str, token: str) -> object:
    return store.keys.opener([subject], [token]).open(token)


def test_a_value_opens_for_its_subject_and_a_later_look_costs_no_round_trip(
    store: Store, database: str
) -> None:
    subject, token = said(store, "crm:1", "one")
    assert opens(store, subject, token) == "one"

    with unreachable(database):
        assert opens(store, subject, token) == "one"


def test_another_customers_value_is_refused_and_not_shown(store: Store) -> None:
    subject, _ = said(store, "crm:1", "one")
    other, token = said(store, "crm:2", "two")

    with pytest.raises(Tampered):
        opens(store, subject, token)
    assert store.keys.opener([subject, other], [token]).open(token) == "two"


def test_keys_out_of_reach_or_lost_are_unavailable_and_no_blank(
    store: Store, database: str
) -> None:
    subject, token = said(store, "crm:1", "one")
    store.recorder._pool.timeout = 0.2
    with unreachable(database), pytest.raises(Unavailable):
        opens(store, subject, token)

    ask(database, "DELETE FROM subject_keys")
    with pytest.raises(Unavailable):
        opens(store, subject, token)


def test_a_changed_subject_column_is_tampering(store: Store, database: str) -> None:
    subject, _ = said(store, "crm:1", "one")
    other, token = said(store, "crm:2", "two")
    ask(database, "DELETE FROM subject_keys WHERE subject = %s", [subject])
    ask(database, "UPDATE subject_keys SET subject = %s WHERE subject = %s", [subject, other])

    with pytest.raises(Tampered):
        opens(store, subject, token)


def test_a_replaced_key_row_is_tampering(store: Store, database: str) -> None:
    subject, token = said(store, "crm:1", "one")
    other, _ = said(store, "crm:2", "two")
    ask(
        database,
        "UPDATE subject_keys k SET wrapped = (SELECT wrapped FROM subject_keys o"
        " WHERE o.subject = %s AND o.class = k.class) WHERE k.subject = %s",
        [other, subject],
    )

    with pytest.raises(Tampered):
        opens(store, subject, token)


def test_under_another_rings_wrapping_key_nothing_opens(
    store: Store, database: str, tmp_path: Path
) -> None:
    subject, token = said(store, "crm:1", "one")
    with opened(database, tmp_path / "ring") as other:
        other.keys._ring.wrapping = b"x" * 32
        with pytest.raises(Tampered):
            opens(other, subject, token)


def test_without_the_list_of_destroyed_keys_nothing_is_opened(store: Store, tmp_path: Path) -> None:
    subject, token = said(store, "crm:1", "one")
    assert opens(store, subject, token) == "one"
    (tmp_path / "ring" / "destroyed").unlink()

    with pytest.raises(RingFault):
        opens(store, subject, token)
    with pytest.raises(RingFault):
        append(store, complaint(store, "crm:1", "b"))


def test_another_stores_ring_stops_the_start(database: str, store: Store, tmp_path: Path) -> None:
    said(store, "crm:1", "one")
    Ring.create(tmp_path / "other")

    with pytest.raises(RingFault, match="another store"), opened(database, tmp_path / "other"):
        pass
