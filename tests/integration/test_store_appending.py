"""What an append does to the log: all or nothing, in order, each event once."""

from concurrent.futures import Future
from dataclasses import replace
from datetime import timedelta, timezone
from uuid import uuid4

import pytest

from backbone.wiring import Store
from schemas.errors import Broken, ContentConflict, Invalid, StaleVersion
from schemas.receipts import Receipt
from store.drafts import Append
from store.recorder import Recorder
from store.rows import AlreadyStored, Prepared, StaleStreams, Written
from tests.stores import (
    SECONDS_MAX,
    T0,
    append,
    ask,
    complaint,
    count,
    registration,
    report,
    row,
    subject_of,
    types,
)


def together(store: Store, *appends: Append) -> list["Future[Receipt]"]:
    """Submitted at once, so that they go into one group."""
    with store.appender._line._changed:  # held, so that the appender cannot take one of them yet
        answers = [store.appender.submit(one) for one in appends]
    for answer in answers:
        answer.exception(SECONDS_MAX)
    return answers


def test_a_receipt_tells_where_the_event_is_and_nothing_of_subject_opened(
    store: Store, database: str
) -> None:
    draft = complaint(store, "crm:1", "a")

    receipt = append(store, draft)

    assert receipt.event_ids == (draft.event_id,)
    assert receipt.stream == f"{subject_of(store, 'crm:1')}/touchpoint/{draft.event_id}"
    assert (receipt.version, receipt.duplicate) == (1, False)
    event = store.history.event(draft.event_id)
    assert event is not None
    assert receipt.token is not None
    assert receipt.token.sequences == {event.partition: event.sequence}
    assert types(database) == ["subject.opened", "complaint.made"]


def test_the_opening_takes_source_actor_and_time_from_its_cause(store: Store) -> None:
    receipt = report(store, "crm:1", "a")

    opening, cause = store.history.from_position(0, 10)

    assert opening.causation_id == cause.event_id == receipt.event_ids[0]
    assert (opening.source, opening.actor, opening.occurred_at) == (
        cause.source,
        cause.actor,
        cause.occurred_at,
    )
    assert opening.data["kind"] == "crm"
    assert opening.data["identifier"].startswith("~1.")


def test_several_streams_are_written_together_with_their_expectations(store: Store) -> None:
    report(store, "crm:1", "a")
    one = complaint(store, "crm:1", "b", stream="case/one", expected=0)
    other = complaint(store, "crm:2", "c", stream="case/two", expected=0)

    receipt = append(store, one, other)

    assert receipt.event_ids == (one.event_id, other.event_id)
    assert receipt.stream == f"{subject_of(store, 'crm:2')}/case/two"


def test_one_stale_stream_refuses_all_of_a_request(store: Store, database: str) -> None:
    append(store, complaint(store, "crm:1", "a", stream="case/one", expected=0))
    before = count(database, "events")
    fresh = complaint(store, "crm:1", "b", stream="case/two", expected=0)
    stale = complaint(store, "crm:1", "c", stream="case/one", expected=0)

    with pytest.raises(StaleVersion):
        append(store, fresh, stale)

    assert count(database, "events") == before


def test_two_events_of_one_stream_expect_the_version_before_both(store: Store) -> None:
    first = complaint(store, "crm:1", "a", stream="case/one", expected=0)
    second = complaint(store, "crm:1", "b", stream="case/one", expected=0)

    assert append(store, first, second).version == 2


def test_a_stream_that_was_only_read_must_not_have_moved(store: Store) -> None:
    report(store, "crm:1", "a")
    links = f"{subject_of(store, 'crm:1')}/identity/links"
    append(store, complaint(store, "crm:1", "b"), expects=((links, 0),))
    append(store, complaint(store, "crm:1", "c", stream="identity/links"))

    with pytest.raises(StaleVersion):
        append(store, complaint(store, "crm:1", "d"), expects=((links, 0),))
    append(store, complaint(store, "crm:1", "d"), expects=((links, 1),))


def test_in_one_group_whoever_reads_a_stream_waits_for_who_writes_it(store: Store) -> None:
    report(store, "crm:1", "a")
    links = f"{subject_of(store, 'crm:1')}/identity/links"
    writes = Append((complaint(store, "crm:1", "w", stream="identity/links"),))
    reads = Append((complaint(store, "crm:1", "r"),), expects=((links, 0),))

    wrote, read = together(store, writes, reads)

    assert wrote.result().version == 1
    assert isinstance(read.exception(), StaleVersion)


def test_in_one_group_two_that_expect_the_same_version_do_not_both_win(store: Store) -> None:
    report(store, "crm:1", "a")
    answers = together(
        store,
        *(
            Append((complaint(store, "crm:1", f"case {n}", stream="case/one", expected=0),))
            for n in range(5)
        ),
    )

    won = [answer for answer in answers if answer.exception() is None]
    assert won == answers[:1]


def test_in_one_group_blind_appends_to_one_stream_number_themselves(store: Store) -> None:
    drafts = [complaint(store, "crm:1", f"n{n}", stream="identity/stated") for n in range(20)]

    answers = together(store, *(Append((draft,)) for draft in drafts))

    assert [answer.result().version for answer in answers] == list(range(1, 21))
    events = store.history.from_position(0, 100)
    assert len({event.recorded_at for event in events[1:]}) < 20, "they shared no group"


def test_a_conflict_that_shares_its_statement_with_five_others_fails_alone(
    store: Store, database: str
) -> None:
    taken = complaint(store, "crm:0", "taken")
    append(store, taken)
    others = [complaint(store, f"crm:{n}", f"n{n}") for n in range(1, 6)]
    conflict = replace(taken, content=b'"another"')

    answers = together(store, *(Append((draft,)) for draft in [*others[:2], conflict, *others[2:]]))

    assert isinstance(answers.pop(2).exception(), ContentConflict)
    assert [a.result().event_ids for a in answers] == [(draft.event_id,) for draft in others]
    assert count(database, "events") == 2 + 2 * len(others)


def test_the_recorder_writes_the_rest_of_a_group_around_what_is_refused(store: Store) -> None:
    recorder: Recorder = store.recorder
    recorder.append([Prepared((row("@a:x/s", "old"),))])

    outcomes = recorder.append(
        [
            Prepared((row("@a:x/s", "one"),)),
            Prepared((row("@a:x/s", "old"), row("@a:x/s", "never"))),
            Prepared((row("@a:x/s", "two"),), expects=(("@a:x/s", 7),)),
            Prepared((row("@a:x/s", "three"),)),
        ]
    )

    assert [type(o) for o in outcomes] == [Written, AlreadyStored, StaleStreams, Written]
    places = [place for o in outcomes if isinstance(o, Written) for place in o.places]
    assert [(p.position, p.version, p.sequence) for p in places] == [(2, 2, 2), (3, 3, 3)]


def test_what_cannot_be_stored_fails_alone_and_the_appender_lives(store: Store) -> None:
    good = complaint(store, "crm:1", "good")
    no_range = complaint(store, "crm:2", "bad", stream="case/x", expected=2**40)
    unnamed = registration(store, "crm:3", "unnamed", phone="+3225550101", points={})
    personal = complaint(store, "@shop:brussels", "house", text="somebody said")

    answers = together(store, *(Append((d,)) for d in (good, no_range, unnamed, personal)))

    assert answers[0].result().event_ids == (good.event_id,)
    assert all(isinstance(answer.exception(), Broken) for answer in answers[1:])
    assert report(store, "crm:1", "next").version == 1


def test_an_append_without_events_or_with_an_id_twice_is_refused_at_once(store: Store) -> None:
    draft = complaint(store, "crm:1", "a")
    for drafts in ((), (draft, draft)):
        with pytest.raises(Invalid):
            store.appender.submit(Append(drafts))


def test_five_megabytes_in_one_request_do_not_hang(store: Store) -> None:
    drafts = [
        complaint(store, "crm:1", f"long {n}", text="x" * 50_000, stream="case/long")
        for n in range(100)
    ]

    assert append(store, *drafts).version == 100


def test_recorded_time_never_runs_backwards_even_if_the_clock_does(
    store: Store, database: str
) -> None:
    report(store, "crm:1", "a")
    ask(database, "UPDATE events SET recorded_at = recorded_at + interval '1 day'")

    report(store, "crm:1", "b")

    *_, before, after = store.history.from_position(0, 10)
    assert after.recorded_at == before.recorded_at


def test_time_is_kept_as_it_was_said_and_absent_means_the_recorded_one(store: Store) -> None:
    local = T0.astimezone(timezone(timedelta(hours=-3, minutes=-30)))
    draft = complaint(store, "crm:1", "a")
    append(store, replace(draft, when=replace(draft.when, occurred_at=local)))
    append(store, complaint(store, "crm:1", "b", when=replace(draft.when, occurred_at=None)))

    _, said, silent = store.history.from_position(0, 10)

    assert said.occurred_at == T0
    assert said.occurred_at.utcoffset() == timedelta(hours=-3, minutes=-30)
    assert silent.occurred_at == silent.recorded_at


def test_the_house_has_no_keys_and_no_opening(store: Store, database: str) -> None:
    draft = complaint(store, "@source:shop", "a", stream="intake")

    receipt = append(store, draft)

    assert receipt.stream == "@source:shop/intake"
    assert append(store, draft) == replace(receipt, duplicate=True)
    assert (count(database, "identifiers"), count(database, "subject_keys")) == (0, 0)
    assert types(database) == ["complaint.made"]


def test_the_events_of_a_command_carry_its_id(store: Store, database: str) -> None:
    command_id = uuid4()
    append(
        store,
        *(complaint(store, "crm:1", f"n{n}", content=b"{}") for n in range(2)),
        command_id=command_id,
    )

    assert ask(database, "SELECT DISTINCT command_id FROM events") == [(command_id,)]
