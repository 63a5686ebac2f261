"""Erasure: nothing that was sealed opens again, in this database or in an older copy of it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from backbone.wiring import Store
from schemas.envelope import Event
from schemas.errors import NotFound, Unavailable
from schemas.personal import Erased
from tests.stores import (
    SECONDS_MAX,
    append,
    append_lock_held,
    ask,
    complaint,
    count,
    erase,
    opened,
    report,
    restored_copy,
    subject_of,
    types,
    unreachable,
)


@dataclass
class Customer:
    """Somebody who said something."""

    subject: str
    events: list[Event]

    def read(self, store: Store) -> list[object]:
        """What a permitted reader sees of him: who he is, and what he said."""
        tokens = [self.events[0].data["identifier"], self.events[1].data["text"]]
        opener = store.keys.opener([self.subject], tokens)
        return [opener.open(token) for token in tokens]


@pytest.fixture
def customer(store: Store) -> Customer:
    append(store, complaint(store, "crm:1", "a", text="it was late"))
    subject = subject_of(store, "crm:1")
    assert subject is not None
    return Customer(subject, store.history.of_subject(subject))


def test_after_an_erasure_every_sealed_value_opens_as_erased(
    store: Store, customer: Customer, database: str
) -> None:
    assert customer.read(store) == ["1", "it was late"]

    erasure = erase(store, customer.subject)

    assert customer.read(store) == [Erased.ERASED, Erased.ERASED]
    assert (erasure.subject, erasure.keys) == (customer.subject, 2)
    assert erasure.place is not None
    assert erasure.place.row.subject == customer.subject
    assert types(database)[-1] == "subject.erased"
    assert count(database, "identifiers") == 0
    assert ask(database, "SELECT count(*) FROM subject_keys WHERE wrapped IS NULL") == [(2,)]
    assert store.eraser.unfinished() == []


def test_other_processes_see_it_at_their_next_look(
    store: Store, customer: Customer, database: str, tmp_path: Path
) -> None:
    with opened(database, tmp_path / "ring") as other:
        assert customer.read(other) == ["1", "it was late"]
        erase(store, customer.subject)
        assert customer.read(other) == [Erased.ERASED, Erased.ERASED]


def test_an_erasure_again_does_nothing_and_of_nobody_is_refused(
    store: Store, customer: Customer, database: str, tmp_path: Path
) -> None:
    erase(store, customer.subject)
    listed = tmp_path / "ring" / "destroyed"
    before = types(database), listed.read_bytes()

    again = erase(store, customer.subject)

    assert (again.keys, again.place) == (0, None)
    assert (types(database), listed.read_bytes()) == before
    with pytest.raises(NotFound):
        erase(store, "s_" + "z" * 26)


class Crash(BaseException):
    """What a test ends a process with, where it stands."""


def test_a_crash_behind_the_rings_list_leaves_nothing_readable_and_is_finished_later(
    store: Store, customer: Customer, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crashed(*_: object) -> None:
        raise Crash

    monkeypatch.setattr(store.recorder, "append_on", crashed)
    with pytest.raises(Crash):
        erase(store, customer.subject)
    monkeypatch.undo()

    assert "subject.erased" not in types(database)
    assert customer.read(store) == [Erased.ERASED, Erased.ERASED]
    assert store.eraser.unfinished() == [customer.subject]
    assert erase(store, customer.subject).keys == 2
    assert types(database)[-1] == "subject.erased"
    assert store.eraser.unfinished() == []


def test_a_copy_of_the_database_from_before_stays_erased(
    customer: Customer,
    database: str,
    new_database: Callable[[str], str],
    tmp_path: Path,
) -> None:
    restored = restored_copy(database, new_database)
    with opened(database, tmp_path / "ring") as original:
        erase(original, customer.subject)

    with opened(restored, tmp_path / "ring") as copy:
        assert subject_of(copy, "crm:1") == customer.subject, "the row is there again"
        assert customer.read(copy) == [Erased.ERASED, Erased.ERASED]
        with pytest.raises(Unavailable):
            report(copy, "crm:1", "b")
        assert copy.eraser.unfinished() == [customer.subject]
        erase(copy, customer.subject)
        assert copy.eraser.unfinished() == []
        assert not report(copy, "crm:1", "b").erased
        assert customer.read(copy) == [Erased.ERASED, Erased.ERASED]


def test_two_erasures_of_one_subject_at_once_write_one_event(
    store: Store, customer: Customer, database: str, tmp_path: Path
) -> None:
    with opened(database, tmp_path / "ring") as other, ThreadPoolExecutor(2) as threads:
        with append_lock_held(database) as wait_for:
            running = [threads.submit(erase, each, customer.subject) for each in (store, other)]
            wait_for(1)
        erasures = [each.result(SECONDS_MAX) for each in running]

    assert sorted(erasure.keys for erasure in erasures) == [0, 2]
    assert types(database).count("subject.erased") == 1


def test_while_an_erasure_waits_for_the_log_nothing_more_is_taken_for_its_subject(
    store: Store, customer: Customer, database: str, tmp_path: Path
) -> None:
    with opened(database, tmp_path / "ring") as other, ThreadPoolExecutor(1) as threads:
        with append_lock_held(database) as wait_for:
            erasure = threads.submit(erase, other, customer.subject)
            wait_for(1)
            with pytest.raises(NotFound):
                report(store, customer.subject, "b")
        assert erasure.result(SECONDS_MAX).keys == 2
    assert types(database)[-1] == "subject.erased"


def test_an_eraser_that_cannot_reach_the_store_says_so(
    store: Store, customer: Customer, database: str
) -> None:
    store.recorder._pool.timeout = 0.2
    with unreachable(database), pytest.raises(Unavailable):
        erase(store, customer.subject)
