"""The store feed keeps the contract of feeds, and survives what databases do."""

import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import psycopg
import pytest

from backbone.wiring import conninfo
from consumers import store_feed
from consumers.feed import Feed
from consumers.ownership import Fixed
from consumers.store_feed import StoreFeed
from consumers.store_watch import StoreWatch
from schemas.envelope import Event
from schemas.errors import OtherEpoch, Unavailable
from store.recorder import Recorder
from tests.contract.feed_contract import Bench, FeedContract, Stand, Told, complaints, drain
from tests.feeding import PARTITIONS, WAIT_SECONDS, World, stored, until, world
from tests.recorded import complaint


class StoreBench:
    """A store, and feeds of it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.partitions = PARTITIONS
        self.epoch = world.store.info.epoch

    def feed(self, partitions: Collection[int] | None = None) -> Feed:
        owned = range(PARTITIONS) if partitions is None else partitions
        return StoreFeed(self.world.history, self.world.watch, Fixed(owned))

    def append(self, events: Sequence[Event]) -> None:
        self.world.append(*events)

    def append_slowly(self, events: Sequence[Event]) -> Callable[[], None]:
        connection = psycopg.connect(conninfo(self.world.store_url))
        # Whoever asks this pool gets the same connection, and commits nothing.
        pool = SimpleNamespace(connection=lambda: nullcontext(connection))
        Recorder(cast(Any, pool), PARTITIONS).insert_events(stored(events))

        def commit() -> None:
            connection.commit()
            connection.close()

        return commit

    def log(self) -> list[Event]:
        return self.world.log()


@pytest.fixture
def bench(new_database: Callable[[str], str], tmp_path: Path) -> Iterator[StoreBench]:
    with world(new_database, tmp_path) as made:
        yield StoreBench(made)


class TestStoreFeed(FeedContract):
    @pytest.fixture
    def bench(self, new_database: Callable[[str], str], tmp_path: Path) -> Iterator[Bench]:
        with world(new_database, tmp_path) as made:
            yield StoreBench(made)


def test_a_notification_ends_the_wait_long_before_the_poll_would(
    bench: StoreBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_feed, "POLL_SECONDS_MIN", 3600)
    monkeypatch.setattr(store_feed, "POLL_SECONDS_MAX", 3600)
    bench.append(complaints(1))
    # The watch listens before it answers for the first time.
    assert bench.world.watch.epoch() == bench.epoch
    feed, reader = bench.feed(), Told(bench)
    feed.start(reader)
    drain(feed, reader)
    found: list[Event] = []
    thread = threading.Thread(target=lambda: found.extend(feed.poll(10, 3600).events))
    thread.start()
    bench.append(complaints(1))
    thread.join(WAIT_SECONDS)
    assert len(found) == 1
    feed.close()


def test_without_any_notification_the_poll_finds_the_event(bench: StoreBench) -> None:
    deaf = StoreWatch(bench.world.store_url)  # never started: it listens to nobody
    feed, reader = StoreFeed(bench.world.history, deaf, Fixed({0, 1, 2, 3})), Told(bench)
    feed.start(reader)
    drain(feed, reader)
    bench.append(complaints(1))
    assert len(feed.poll(10, WAIT_SECONDS).events) == 1
    feed.close()
    deaf.stop()


def test_the_watch_listens_again_after_its_connection_was_cut(bench: StoreBench) -> None:
    watch = bench.world.watch
    moved = threading.Event()
    assert watch.epoch() == bench.epoch
    watch.subscribe(moved)
    assert bench.world.cut("backbone store watch") == 1
    assert moved.wait(WAIT_SECONDS)  # it tells that it lost sight
    until(lambda: _epoch(watch) == bench.epoch, "the watch is connected again")
    moved.clear()
    bench.append(complaints(1))
    assert moved.wait(WAIT_SECONDS)


def _epoch(watch: StoreWatch) -> int | None:
    try:
        return watch.epoch()
    except Unavailable:
        return None


def test_cut_connections_are_a_fault_of_the_world_and_nothing_is_lost(bench: StoreBench) -> None:
    bench.append(complaints(30))
    feed, reader = bench.feed(), Told(bench)
    feed.start(reader)
    reader.take(feed.poll(10, 0))
    bench.world.cut("")
    seen = sum(at.sequence for at in reader.marks.values())
    faults = 0
    while seen < 30:
        try:
            reader.take(feed.poll(10, WAIT_SECONDS))
        except Unavailable:
            faults += 1
            assert faults < 100
        seen = sum(at.sequence for at in reader.marks.values())
    assert faults
    feed.close()


def test_marks_of_another_epoch_are_refused(bench: StoreBench) -> None:
    feed = bench.feed()
    feed.start(Told(bench, {0: Stand(bench.epoch + 1)}))
    with pytest.raises(OtherEpoch):
        feed.poll(10, 0)
    feed.close()


def test_a_reader_that_is_ahead_of_the_store_is_refused(bench: StoreBench) -> None:
    bench.append(complaints(3))
    feed = bench.feed()
    feed.start(Told(bench, {0: Stand(bench.epoch, 1000)}))
    with pytest.raises(OtherEpoch):
        feed.poll(10, 0)
    feed.close()


def test_a_store_that_was_restored_meanwhile_is_noticed_before_its_events_are_handed_out(
    bench: StoreBench,
) -> None:
    bench.append(complaints(5))
    feed, reader = bench.feed(), Told(bench)
    feed.start(reader)
    drain(feed, reader)
    with psycopg.connect(conninfo(bench.world.store_url)) as connection:
        connection.execute("UPDATE store_info SET epoch = epoch + 1")
    bench.append([complaint("ann")])
    with pytest.raises(OtherEpoch):
        feed.poll(10, WAIT_SECONDS)
    assert sum(at.sequence for at in reader.marks.values()) == 5
    feed.close()
