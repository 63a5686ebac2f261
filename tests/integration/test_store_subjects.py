"""Who an identifier is: one subject each, opened with its first event, and keys that live."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from backbone.wiring import Store, pool_for
from schemas.errors import NotFound, Unavailable
from schemas.personal import Opener
from store.directory import Directory
from store.drafts import Append
from store.ring import Ring
from store.rows import Outcome, Prepared
from tests.stores import (
    SECONDS_MAX,
    append,
    ask,
    complaint,
    count,
    erase,
    opened,
    registration,
    report,
    subject_of,
    types,
    who,
)


@pytest.fixture
def other(database: str, tmp_path: Path) -> Iterator[Store]:
    """The same store in what could be another process: nothing is shared but database and ring."""
    with opened(database, tmp_path / "ring") as other:
        yield other


def test_one_identifier_however_it_is_written_is_one_subject(store: Store, database: str) -> None:
    report(store, "phone:+32 2 555 01 01", "a")
    report(store, "phone:02/555.01.01", "b")

    assert count(database, "identifiers") == 1
    assert types(database).count("subject.opened") == 1


def test_a_named_contact_point_is_opened_with_its_own_first_event_only(
    store: Store, database: str
) -> None:
    append(store, registration(store, "crm:1", "a", phone="+3225550101"))
    assert types(database) == ["subject.opened", "customer.registered"]
    point = subject_of(store, "phone:+3225550101")
    _, registered = store.history.from_position(0, 10)
    assert registered.data["points"][0]["value"]["subject"] == point

    for n in range(2):
        report(store, "phone:+3225550101", f"call {n}")

    assert types(database)[2:] == ["subject.opened", "complaint.made", "complaint.made"]
    opening = store.history.from_position(0, 10)[2]
    opener: Opener = store.keys.opener([opening.subject], [opening.data["identifier"]])
    assert opener.open(opening.data["identifier"]) == "+3225550101"


def test_a_contact_point_is_opened_by_another_process_and_by_its_subjects_name(
    store: Store, other: Store, database: str
) -> None:
    append(store, registration(store, "crm:1", "a", phone="+3225550101"))
    point = subject_of(store, "phone:+3225550101")
    assert point is not None

    report(other, point, "by name")
    report(store, "phone:+3225550101", "by number")

    assert types(database).count("subject.opened") == 2
    assert {event.type for event in store.history.of_subject(point)} == {
        "subject.opened",
        "complaint.made",
    }


def test_a_subject_is_addressed_by_its_name_if_it_is_known(store: Store) -> None:
    report(store, "crm:1", "a")
    subject = subject_of(store, "crm:1")
    assert subject is not None

    assert str(report(store, subject, "b").stream).startswith(f"{subject}/")
    for nobody in ("s_" + "z" * 26, "garbage"):
        with pytest.raises(NotFound):
            report(store, nobody, "c")


def test_called_by_name_and_by_identifier_in_one_group_it_has_one_content_key(
    store: Store, database: str
) -> None:
    report(store, "crm:1", "a")
    subject = subject_of(store, "crm:1")
    assert subject is not None
    drafts = [
        complaint(store, "crm:1", "b", text="by identifier"),
        complaint(store, subject, "c", text="by name"),
    ]

    with store.appender._line._changed:
        answers = [store.appender.submit(Append((draft,))) for draft in drafts]
    for answer in answers:
        answer.result(SECONDS_MAX)

    assert ask(database, "SELECT count(*) FROM subject_keys WHERE class = 'content'") == [(1,)]


def test_a_content_key_is_made_when_first_needed_and_another_processs_is_taken_over(
    store: Store, other: Store, database: str
) -> None:
    report(store, "crm:1", "a")
    report(other, "crm:1", "b")
    assert count(database, "subject_keys") == 1

    # Both know the subject without a content key; the second one is late with its own.
    report(store, "crm:1", "c", text="first")
    report(other, "crm:1", "d", text="second")

    assert count(database, "subject_keys") == 2
    events = store.history.from_position(0, 10)
    tokens = [event.data["text"] for event in events if "text" in event.data]
    opener = store.keys.opener([events[0].subject], tokens)
    assert [opener.open(token) for token in tokens] == ["first", "second"]


def test_whoever_was_erased_by_another_process_meanwhile_is_somebody_new(
    store: Store, other: Store
) -> None:
    report(store, "crm:1", "a")
    before = subject_of(store, "crm:1")
    assert before is not None
    erase(other, before)

    report(store, "crm:1", "b", text="and again")

    assert subject_of(store, "crm:1") not in (None, before)
    with pytest.raises(NotFound):
        report(store, before, "c")


def between_sealing_and_appending(
    store: Store, monkeypatch: pytest.MonkeyPatch, happens: Callable[[], object]
) -> None:
    """Once, when the next group is sealed and not yet written."""
    to_append = store.recorder.append

    def interrupted(group: Sequence[Prepared]) -> list[Outcome]:
        monkeypatch.undo()
        happens()
        return to_append(group)

    monkeypatch.setattr(store.recorder, "append", interrupted)


def test_a_key_that_dies_between_sealing_and_appending_is_settled_anew(
    store: Store, other: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    report(store, "crm:1", "a")
    before = subject_of(store, "crm:1")
    assert before is not None
    between_sealing_and_appending(store, monkeypatch, lambda: erase(other, before))

    receipt = report(store, "crm:1", "b", text="sealed for the dead")

    assert not str(receipt.stream).startswith(before)
    assert str(receipt.stream).startswith(str(subject_of(store, "crm:1")))


def test_a_contact_point_that_dies_between_sealing_and_appending_is_not_named(
    store: Store, other: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    report(store, "phone:+3225550101", "a")
    before = subject_of(store, "phone:+3225550101")
    assert before is not None
    between_sealing_and_appending(store, monkeypatch, lambda: erase(other, before))

    append(store, registration(store, "crm:1", "b", phone="+3225550101"))

    registered = store.history.from_position(0, 10)[-1]
    assert registered.data["points"][0]["value"]["subject"] not in (None, before)


def test_settling_anew_has_an_end(
    store: Store, other: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    report(store, "crm:1", "a")
    to_append = store.recorder.append

    def erased_every_time(group: Sequence[Prepared]) -> list[Outcome]:
        subject = subject_of(other, "crm:1")
        assert subject is not None
        erase(other, subject)
        return to_append(group)

    monkeypatch.setattr(store.recorder, "append", erased_every_time)
    with pytest.raises(Unavailable):
        report(store, "crm:1", "b")
    monkeypatch.undo()
    assert not report(store, "crm:1", "b").duplicate


def test_an_unfinished_erasure_takes_nothing_from_any_process(store: Store, other: Store) -> None:
    report(store, "crm:1", "a")
    report(other, "crm:1", "b")
    subject = subject_of(store, "crm:1")
    assert subject is not None
    # The ring's list is written; then the process dies, before the database heard of it.
    Ring.open(store.eraser._ring.folder).destroy(store.eraser.keys_of(subject))

    for each in (store, other):
        with pytest.raises(Unavailable):
            report(each, "crm:1", "c")
        with pytest.raises(NotFound):
            report(each, subject, "d")
        with pytest.raises(Unavailable):
            append(each, replace(complaint(each, "crm:2", "e"), points={"crm:1": who("crm:1")}))
    assert store.eraser.unfinished() == [subject]


def test_more_identifiers_than_are_remembered_are_all_found(
    store: Store, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("store.directory.REMEMBERED_MAX", 3)
    for turn in range(2):
        with store.appender._line._changed:
            answers = [
                store.appender.submit(Append((complaint(store, f"crm:{n}", f"{turn} {n}"),)))
                for n in range(20)
            ]
        for answer in answers:
            answer.result(SECONDS_MAX)

    assert count(database, "identifiers") == 20
    assert len(types(database)) == 60


def test_an_erased_subject_gets_no_key_from_a_process_that_has_not_heard_of_it(
    store: Store, database: str, tmp_path: Path
) -> None:
    report(store, "crm:1", "a")
    with pool_for(database) as pool:
        late = Directory(pool, Ring.open(tmp_path / "ring"), store.ids)
        (party,) = late.resolve([who("crm:1")]).values()
        assert party is not None
        erase(store, party.subject)

        party.key("content")
        assert late.confirm([party]), "what was sealed is to be settled anew"

    assert ask(database, "SELECT count(*) FROM subject_keys WHERE wrapped IS NOT NULL") == [(0,)]
