"""The same thing sent again: its first receipt; another content: a conflict; nothing twice."""

from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest

from backbone.wiring import Store
from schemas.errors import ContentConflict, NotFound
from store.drafts import Append
from tests.stores import append, complaint, count, erase, opened, registration, report, subject_of


def test_the_same_event_again_gets_its_first_receipt(store: Store, database: str) -> None:
    draft = complaint(store, "crm:1", "a", text="late again")
    first = append(store, draft)
    report(store, "crm:1", "b")

    assert append(store, draft) == replace(first, duplicate=True)
    assert count(database, "events") == 3


def test_the_same_request_of_several_streams_again_gets_its_first_receipt(store: Store) -> None:
    drafts = [
        complaint(store, "crm:1", "a"),
        complaint(store, "crm:2", "b", stream="case/x", expected=0),
        complaint(store, "crm:1", "c", stream="case/y", expected=0),
    ]
    first = append(store, *drafts)

    assert append(store, *drafts) == replace(first, duplicate=True)


def test_another_process_gives_the_same_receipt(
    store: Store, database: str, tmp_path: Path
) -> None:
    first = report(store, "crm:1", "a")

    with opened(database, tmp_path / "ring") as other:
        assert report(other, "crm:1", "a") == replace(first, duplicate=True)


def test_another_content_under_the_same_id_is_a_conflict(store: Store, database: str) -> None:
    report(store, "crm:1", "a", text="late")

    with pytest.raises(ContentConflict):
        report(store, "crm:1", "a", text="early")
    assert count(database, "events") == 2


@pytest.mark.parametrize("other", ["crm:2", "crm:known"])
def test_another_identifier_under_the_same_id_is_a_conflict_and_makes_nobody(
    store: Store, database: str, other: str
) -> None:
    report(store, "crm:known", "k")
    report(store, "crm:1", "a")

    with pytest.raises(ContentConflict):
        report(store, other, "a")
    assert count(database, "identifiers") == 2


def test_a_request_that_is_stored_in_part_is_a_conflict(store: Store) -> None:
    first = complaint(store, "crm:1", "a")
    append(store, first)

    with pytest.raises(ContentConflict):
        append(store, first, complaint(store, "crm:1", "b"))


def test_the_same_id_twice_in_one_group_is_first_and_duplicate(store: Store) -> None:
    draft = complaint(store, "crm:1", "a")
    same = Append((draft,))
    other = Append((replace(draft, content=b'"another"'),))
    with store.appender._line._changed:
        answers = [store.appender.submit(one) for one in (same, same, other, same)]

    first = answers[0].result(60)
    assert not first.duplicate
    assert answers[1].result(60) == answers[3].result(60) == replace(first, duplicate=True)
    with pytest.raises(ContentConflict):
        answers[2].result(60)


def test_a_command_again_gets_its_first_receipt_whatever_it_would_decide_now(store: Store) -> None:
    command_id = uuid4()
    drafts = [complaint(store, f"crm:{n}", f"c{n}", content=b'"command"') for n in range(3)]
    first = append(store, *drafts, command_id=command_id)

    only_one_now = append(store, drafts[0], command_id=command_id)

    assert only_one_now == replace(first, duplicate=True)
    stored = store.recorder.stored([drafts[0].event_id])[drafts[0].event_id]
    assert store.repeats.of_command(stored, b'"command"') == replace(first, duplicate=True)
    with pytest.raises(ContentConflict):
        store.repeats.of_command(stored, b'"another command"')


def test_a_command_does_not_take_its_neighbours_events_for_its_own(store: Store) -> None:
    drafts = [complaint(store, "crm:1", f"c{n}", content=b'"same"') for n in range(2)]
    ids = [uuid4(), uuid4()]
    receipts = [append(store, d, command_id=i) for d, i in zip(drafts, ids, strict=True)]

    assert append(store, drafts[0], command_id=ids[0]) == replace(receipts[0], duplicate=True)


def test_sent_again_after_an_erasure_it_is_a_duplicate_and_brings_nobody_back(
    store: Store, database: str, tmp_path: Path
) -> None:
    draft = registration(store, "crm:1", "a", phone="+3225550101")
    append(store, draft)
    subject = subject_of(store, "crm:1")
    assert subject is not None
    erase(store, subject)
    identifiers = count(database, "identifiers")

    by_identifier = append(store, draft)
    another_content = append(store, replace(draft, content=b'"another"'))
    by_subject = append(store, replace(draft, who=subject))
    with opened(database, tmp_path / "ring") as other:
        elsewhere = append(other, draft)

    for receipt in (by_identifier, another_content, by_subject, elsewhere):
        assert (receipt.duplicate, receipt.erased) == (True, True)
        assert (receipt.stream, receipt.event_ids, receipt.token) == (None, (), None)
    assert count(database, "identifiers") == identifiers
    assert subject_of(store, "crm:1") is None


def test_after_an_erasure_a_new_event_is_somebody_elses(store: Store) -> None:
    report(store, "crm:1", "a")
    before = subject_of(store, "crm:1")
    assert before is not None
    erase(store, before)

    report(store, "crm:1", "b")

    assert subject_of(store, "crm:1") not in (None, before)
    with pytest.raises(NotFound):
        report(store, before, "c")
