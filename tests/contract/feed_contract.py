"""What every feed must do, whatever carries the events; a feed's own test class fills in the rest.

Subclass it and override the fixture `bench`.
"""

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import pytest

from consumers.feed import Batch, Feed, Mark
from schemas.envelope import Event
from tests.recorded import complaint

WAIT_SECONDS = 20.0
NAMES = ("ann", "bob", "cem", "dee", "eve", "fay", "gus", "hal")


@dataclass(frozen=True, slots=True)
class Stand:
    """A mark of its own: the contract knows no checkpoints."""

    epoch: int
    sequence: int = 0
    hint: str | None = None


class Bench(Protocol):
    """What a feed's tests bring along."""

    partitions: int
    epoch: int

    def feed(self, partitions: Collection[int] | None = None) -> Feed:
        """A new feed of these partitions, or of all."""

    def append(self, events: Sequence[Event]) -> None:
        """Record these events; returns when they are committed and, soon, readable."""

    def append_slowly(self, events: Sequence[Event]) -> Callable[[], None]:
        """Write these events without committing; returns what commits them."""

    def log(self) -> list[Event]:
        """Everything that is committed."""


class Told:
    """A reader that goes on where it stands, and remembers what it was told."""

    def __init__(self, bench: Bench, marks: Mapping[int, Stand] | None = None) -> None:
        self._bench = bench
        self.marks: dict[int, Stand] = dict(marks or {})
        self.mine: set[int] = set()

    def assigned(self, partitions: Collection[int]) -> Mapping[int, Mark]:
        self.mine |= set(partitions)
        return {p: self.marks.setdefault(p, Stand(self._bench.epoch)) for p in partitions}

    def revoked(self, partitions: Collection[int]) -> None:
        self.mine -= set(partitions)

    def take(self, batch: Batch) -> None:
        """Move the marks over a batch, as a projector would: no gap, nothing new twice."""
        for event in batch.events:
            at = self.marks[event.partition]
            assert event.sequence <= at.sequence + 1, "a gap"
            if event.sequence == at.sequence + 1:
                self.marks[event.partition] = Stand(at.epoch, event.sequence, at.hint)
        for partition, hint in batch.hints.items():
            at = self.marks[partition]
            self.marks[partition] = Stand(at.epoch, at.sequence, hint)


def complaints(count: int, names: Sequence[str] = NAMES) -> list[Event]:
    return [complaint(names[i % len(names)]) for i in range(count)]


def drain(feed: Feed, reader: Told, limit: int = 100) -> list[Event]:
    """Poll until the feed says that it has caught up; what came, in order."""
    seen: list[Event] = []
    for _ in range(1000):
        batch = feed.poll(limit, 0)
        reader.take(batch)
        seen += batch.events
        if batch.caught_up and not batch.events:
            return seen
    raise AssertionError("the feed never caught up")


class FeedContract:
    """The tests themselves."""

    @pytest.fixture
    def bench(self) -> Bench:
        raise NotImplementedError

    def test_each_partition_comes_whole_and_in_order(self, bench: Bench) -> None:
        bench.append(complaints(300))
        feed, reader = bench.feed(), Told(bench)
        feed.start(reader)
        seen = drain(feed, reader)
        log = bench.log()
        for partition in range(bench.partitions):
            mine = [event for event in seen if event.partition == partition]
            assert mine == [event for event in log if event.partition == partition]
            assert [event.sequence for event in mine] == list(range(1, len(mine) + 1))
        feed.close()

    def test_it_goes_on_from_any_checkpoint(self, bench: Bench) -> None:
        bench.append(complaints(60))
        for taken in (1, 17, 59, 60):
            first, reader = bench.feed(), Told(bench)
            first.start(reader)
            left = taken
            while left:
                batch = first.poll(left, 0)
                reader.take(batch)
                left -= len(batch.events)
            first.close()
            second, heir = bench.feed(), Told(bench, reader.marks)
            second.start(heir)
            assert len(drain(second, heir)) >= 60 - taken
            assert sum(at.sequence for at in heir.marks.values()) == 60
            second.close()

    def test_sought_back_it_hands_out_the_same_events_again(self, bench: Bench) -> None:
        bench.append(complaints(40))
        feed, reader = bench.feed(), Told(bench)
        feed.start(reader)
        start = {p: Stand(bench.epoch) for p in range(bench.partitions)}
        once = drain(feed, reader)
        feed.seek(start)
        again = drain(feed, reader)
        assert sorted(again, key=_place) == sorted(once, key=_place)
        feed.close()

    def test_what_is_not_committed_is_not_there(self, bench: Bench) -> None:
        bench.append(complaints(10))
        commit = bench.append_slowly(complaints(5))
        feed, reader = bench.feed(), Told(bench)
        feed.start(reader)
        assert len(drain(feed, reader)) == 10
        commit()
        assert len(_wait_for(feed, reader, 5)) == 5
        feed.close()

    def test_one_poll_is_bounded_however_much_waits(self, bench: Bench) -> None:
        bench.append(complaints(500))
        bench.append(complaints(500, NAMES[:1]))
        feed, reader = bench.feed(), Told(bench)
        feed.start(reader)
        sizes: list[int] = []
        while sum(sizes) < 1000:
            batch = feed.poll(64, WAIT_SECONDS)
            reader.take(batch)
            sizes.append(len(batch.events))
        assert max(sizes) <= 64
        feed.close()

    def test_a_waiting_poll_hears_of_a_new_event(self, bench: Bench) -> None:
        feed, reader = bench.feed(), Told(bench)
        feed.start(reader)
        drain(feed, reader)
        arrived = threading.Event()
        waiting = threading.Event()

        def wait() -> None:
            waiting.set()
            if _wait_for(feed, reader, 1):
                arrived.set()

        thread = threading.Thread(target=wait)
        thread.start()
        assert waiting.wait(WAIT_SECONDS)
        bench.append(complaints(1))
        assert arrived.wait(WAIT_SECONDS)
        thread.join()
        feed.close()

    def test_a_waiting_poll_returns_when_it_is_woken(self, bench: Bench) -> None:
        feed, reader = bench.feed(), Told(bench)
        feed.start(reader)
        drain(feed, reader)
        done = threading.Event()

        def wait() -> None:
            feed.poll(10, 10 * WAIT_SECONDS)
            done.set()

        thread = threading.Thread(target=wait)
        thread.start()
        feed.wake()
        assert done.wait(WAIT_SECONDS)
        thread.join()
        feed.close()
        assert reader.mine == set()

    def test_only_the_partitions_that_are_its_own(self, bench: Bench) -> None:
        bench.append(complaints(100))
        some = {0, bench.partitions - 1}
        feed, reader = bench.feed(some), Told(bench)
        feed.start(reader)
        seen = drain(feed, reader)
        assert {event.partition for event in seen} <= some
        assert len(seen) == len([event for event in bench.log() if event.partition in some])
        assert reader.mine == some
        feed.close()
        assert reader.mine == set()


def _place(event: Event) -> tuple[int, int]:
    return event.partition, event.sequence


def _wait_for(feed: Feed, reader: Told, count: int) -> list[Event]:
    seen: list[Event] = []
    for _ in range(100):
        batch = feed.poll(100, WAIT_SECONDS)
        reader.take(batch)
        seen += batch.events
        if len(seen) >= count:
            return seen
    raise AssertionError("the events never came")
