"""Given two writers that meet in the middle of an append, then the log is right while one guard
stands: the append's lock, or behind it the unique event id."""

from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from backbone.wiring import Store, pool_for
from schemas.errors import StaleVersion
from schemas.receipts import Receipt
from store.appender import Appender
from store.directory import Directory
from store.drafts import Append
from store.mapper import EventMapper
from store.repeats import Repeats
from store.ring import Ring
from store.waiting_line import WaitingLine
from tests.faults.checks import check_log
from tests.faults.gate import gate
from tests.faults.sabotage import HastyRecorder
from tests.stores import (
    SECONDS_MAX,
    append,
    ask,
    complaint,
    count,
    erase,
    opened,
    report,
    subject_of,
)

Answer = Future[Receipt]


@contextmanager
def two_writers(database: str, folder: Path, *, locked: bool) -> Iterator[tuple[Store, Store]]:
    """Two processes' write sides, which both know the customer `crm:1`."""
    with ExitStack() as stack:
        one, other = (
            stack.enter_context(opened(database, folder / "ring", locked=locked)) for _ in range(2)
        )
        for writer in (one, other):
            append(writer, complaint(writer, "crm:1", f"before {writer is one}", text="so"))
        yield one, other


def meet(database: str, one: tuple[Store, Append], other: tuple[Store, Append]) -> list[Answer]:
    """The second one comes while the first one has looked and not written; their answers."""
    with gate(database) as closed:
        first = one[0].appender.submit(one[1])
        closed.until(lambda: closed.waiting() == 1, "the first one waits at the gate")
        second = other[0].appender.submit(other[1])
        closed.until(
            lambda: second.done() or closed.waiting() == 2, "the second one is done, or waits too"
        )
        closed.open()
        for answer in (first, second):
            answer.exception(SECONDS_MAX)
    return [first, second]


def the_same_event_twice_at_once(database: str, folder: Path, *, locked: bool) -> None:
    """Both writers are sent the same event, and the log is looked at."""
    with two_writers(database, folder, locked=locked) as (one, other):
        drafts = [complaint(writer, "crm:1", "same") for writer in (one, other)]
        meet(database, (one, Append((drafts[0],))), (other, Append((drafts[1],))))
        check_log(one.history.from_position(0, 1_000))
        assert one.history.event(drafts[0].event_id) is not None, "it is not there at all"


def without_unique_ids(database: str, folder: Path) -> None:
    """Take the unique index away."""
    with opened(database, folder / "ring"):
        ask(database, "ALTER TABLE events DROP CONSTRAINT events_event_id_key")


@pytest.mark.parametrize("locked", [True, False], ids=["lock", "no lock"])
def test_sent_twice_at_once_an_event_is_recorded_once_the_unique_id_sees_to_it(
    database: str, tmp_path: Path, locked: bool
) -> None:
    the_same_event_twice_at_once(database, tmp_path, locked=locked)


def test_sent_twice_at_once_an_event_is_recorded_once_the_lock_sees_to_it_too(
    database: str, tmp_path: Path
) -> None:
    without_unique_ids(database, tmp_path)
    the_same_event_twice_at_once(database, tmp_path, locked=True)


def test_sabotage_without_lock_and_unique_id_an_event_is_there_twice(
    database: str, tmp_path: Path
) -> None:
    without_unique_ids(database, tmp_path)
    with pytest.raises(AssertionError, match="events are in the store twice"):
        the_same_event_twice_at_once(database, tmp_path, locked=False)


def each_expects_the_other_not_to_write(database: str, folder: Path, *, locked: bool) -> None:
    """One writes its stream if the other's is empty, and the other way round."""
    with two_writers(database, folder, locked=locked) as (one, other):
        subject = subject_of(one, "crm:1")
        here, elsewhere = f"{subject}/case/here", "@shop:brussels/case/elsewhere"
        first = Append((complaint(one, "crm:1", "a", stream="case/here"),), ((elsewhere, 0),))
        at_home = complaint(other, "@shop:brussels", "b", stream="case/elsewhere")
        answers = meet(database, (one, first), (other, Append((at_home,), ((here, 0),))))
    refused = [answer for answer in answers if isinstance(answer.exception(), StaleVersion)]
    assert len(refused) == 1, "both wrote, each expecting that the other did not"


def test_of_two_that_each_expect_the_other_not_to_write_one_is_refused(
    database: str, tmp_path: Path
) -> None:
    each_expects_the_other_not_to_write(database, tmp_path, locked=True)


def test_sabotage_without_the_lock_both_write(database: str, tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="both wrote, each expecting that the other did not"):
        each_expects_the_other_not_to_write(database, tmp_path, locked=False)


def sent_again_after_an_erasure(database: str, folder: Path, *, hasty: bool) -> None:
    """Somebody is erased, and another process is sent his file again."""
    with opened(database, folder / "ring") as store:
        report(store, "crm:1", "a")
        subject = subject_of(store, "crm:1")
        assert subject is not None
        erase(store, subject)
        with pool_for(database) as pool:
            kind = HastyRecorder if hasty else type(store.recorder)
            recorder = kind(pool, store.info.partitions)
            ring = Ring.open(folder / "ring")
            appender = Appender(
                recorder,
                Directory(pool, ring, store.ids),
                EventMapper(store.registry, ring, store.ids, store.info.partitions),
                Repeats(recorder, ring, store.info),
                store.info,
                WaitingLine(100),
            )
            appender.start()
            answer = appender.submit(Append((complaint(store, "crm:1", "a"),)))
            assert answer.result(SECONDS_MAX).erased
            appender.stop()
    assert count(database, "identifiers") == 0, "who was erased is back"


def test_a_file_sent_again_after_an_erasure_does_not_bring_anybody_back(
    database: str, tmp_path: Path
) -> None:
    sent_again_after_an_erasure(database, tmp_path, hasty=False)


def test_sabotage_ids_looked_up_after_minting_bring_him_back(database: str, tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="who was erased is back"):
        sent_again_after_an_erasure(database, tmp_path, hasty=True)
