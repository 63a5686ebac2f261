"""The database goes, callers give up, the process stops: nobody is left without an answer."""

import signal
from collections.abc import Sequence
from concurrent.futures import CancelledError
from pathlib import Path

import pytest

from backbone.wiring import Store
from schemas.errors import Unavailable
from store.drafts import Append
from store.reaching import ConnectionLost
from store.rows import Outcome, Prepared
from tests.store_processes import processes, write_until_killed
from tests.stores import (
    SECONDS_MAX,
    append,
    append_lock_held,
    ask,
    complaint,
    count,
    cut_connections,
    opened,
    report,
    types,
    unreachable,
)


def test_a_restart_of_the_server_between_two_appends_costs_nobody_an_error(
    store: Store, database: str
) -> None:
    report(store, "crm:1", "a")
    cut_connections(database)

    assert not report(store, "crm:1", "b").duplicate


def test_a_connection_that_breaks_in_mid_append_is_tried_again(store: Store, database: str) -> None:
    report(store, "crm:1", "a")
    with append_lock_held(database) as wait_for:
        answer = store.appender.submit(Append((complaint(store, "crm:1", "b"),)))
        wait_for(1)
        ask(
            database,
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_locks WHERE NOT granted"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
        )
        wait_for(1)
    assert not answer.result(SECONDS_MAX).duplicate
    assert count(database, "events") == 3


def test_an_answer_that_was_lost_behind_the_commit_is_found_again(
    store: Store, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    to_append = store.recorder.append

    def lost(group: Sequence[Prepared]) -> list[Outcome]:
        monkeypatch.undo()
        to_append(group)
        raise ConnectionLost("lost")

    monkeypatch.setattr(store.recorder, "append", lost)
    draft = complaint(store, "crm:1", "a")

    receipt = append(store, draft)

    assert receipt.event_ids == (draft.event_id,)
    assert types(database) == ["subject.opened", "complaint.made"]


def test_while_the_database_is_gone_appends_are_unavailable_and_afterwards_work(
    store: Store, database: str
) -> None:
    report(store, "crm:1", "a")
    store.recorder._pool.timeout = 0.2

    with unreachable(database):
        for n in range(3):
            with pytest.raises(Unavailable):
                report(store, "crm:1", f"gone {n}")

    assert store.appender.alive
    store.recorder._pool.timeout = SECONDS_MAX
    assert report(store, "crm:1", "gone 0").version == 1


def test_whoever_cancels_before_it_is_taken_is_not_written(store: Store, database: str) -> None:
    report(store, "crm:1", "a")
    with append_lock_held(database) as wait_for:
        first = store.appender.submit(Append((complaint(store, "crm:1", "b"),)))
        wait_for(1)
        gone = store.appender.submit(Append((complaint(store, "crm:1", "c"),)))
        stays = store.appender.submit(Append((complaint(store, "crm:1", "d"),)))
        assert gone.cancel()
        assert not first.cancel(), "it is at the database"

    stays.result(SECONDS_MAX)
    with pytest.raises(CancelledError):
        gone.result()
    assert count(database, "events") == 4


def test_when_too_much_waits_more_is_turned_away(database: str, tmp_path: Path) -> None:
    with opened(database, tmp_path / "ring", queue_events_max=2) as store:
        with append_lock_held(database) as wait_for:
            answers = [store.appender.submit(Append((complaint(store, "crm:1", "first"),)))]
            wait_for(1)
            answers += [
                store.appender.submit(Append((complaint(store, "crm:1", f"n{n}"),)))
                for n in range(2)
            ]
            assert store.appender.queued == 2
            with pytest.raises(Unavailable):
                store.appender.submit(Append((complaint(store, "crm:1", "more"),)))
        for answer in answers:
            answer.result(SECONDS_MAX)
        assert report(store, "crm:1", "more").version == 1


def test_stopping_writes_what_waits_and_refuses_the_rest(database: str, tmp_path: Path) -> None:
    with opened(database, tmp_path / "ring") as store:
        answers = [
            store.appender.submit(Append((complaint(store, f"crm:{n % 5}", f"n{n}"),)))
            for n in range(200)
        ]
        draft = complaint(store, "crm:1", "late")
    assert all(answer.done() and not answer.exception() for answer in answers)
    assert not store.appender.alive
    with pytest.raises(Unavailable):
        store.appender.submit(Append((draft,)))


def test_when_the_thread_dies_nobody_waits_for_ever(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Died(BaseException):
        pass

    def died(_: object) -> None:
        raise Died

    monkeypatch.setattr("threading.excepthook", lambda _: None)
    monkeypatch.setattr(store.appender, "_round", died)
    with store.appender._line._changed:
        answers = [
            store.appender.submit(Append((complaint(store, "crm:1", f"n{n}"),))) for n in range(3)
        ]
    for answer in answers:
        with pytest.raises(Unavailable):
            answer.result(SECONDS_MAX)
    store.appender._thread.join()
    with pytest.raises(Unavailable):
        report(store, "crm:1", "later")


WRITERS = 100
APPENDS = 4
AT_ONCE = 10


def test_a_hundred_writers_killed_in_mid_append_and_sent_again_are_recorded_once(
    store: Store, database: str, tmp_path: Path
) -> None:
    answered = sum(
        ten_killed(database, tmp_path / "ring", first) for first in range(0, WRITERS, AT_ONCE)
    )
    drafts = [
        complaint(store, f"crm:{writer % 7}", f"{writer} {n}", text="said")
        for writer in range(WRITERS)
        for n in range(APPENDS)
    ]

    answers = [store.appender.submit(Append((draft,))) for draft in drafts]
    receipts = [answer.result(SECONDS_MAX) for answer in answers]

    again = sum(receipt.duplicate for receipt in receipts)
    assert answered <= again < len(receipts), "some were recorded and some were not"
    recorded = [kind for kind in types(database) if kind != "subject.opened"]
    assert len(recorded) == len(receipts) == WRITERS * APPENDS
    assert len({receipt.event_ids for receipt in receipts}) == len(receipts)
    assert types(database).count("subject.opened") == 7


def ten_killed(url: str, ring: Path, first: int) -> int:
    """Ten writers at once, each killed behind one of its receipts: in the middle of what comes
    next. Returns how many receipts were heard of."""
    running = []
    for writer in range(first, first + AT_ONCE):
        hears, tells = processes.Pipe(duplex=False)
        arguments = (url, ring, writer, APPENDS, tells)
        process = processes.Process(target=write_until_killed, args=arguments)
        process.start()
        tells.close()
        running.append((writer % APPENDS, process, hears))
    for receipts, process, hears in running:
        for _ in range(receipts):
            hears.recv()
        process.kill()
        process.join()
        assert process.exitcode in (-signal.SIGKILL, 0)
        process.close()
        hears.close()
    return sum(receipts for receipts, _, _ in running)
