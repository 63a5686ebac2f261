"""Given load, when projector processes come, go and die, then every event is in the views once."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from backbone.reading_side import open_views
from backbone.wiring import Store, open_store, pool_for
from consumers.kafka_outlet import KafkaOutlet
from consumers.ownership import Fixed
from consumers.relay import Relay, Source
from consumers.relay_health import RelayHealth
from consumers.store_watch import StoreWatch
from projections import generations
from projections.registry import VIEWS
from store.ids import Ids
from store.relayed import Relayed
from store.ring import Ring
from tests.faults.checks import VIEW_NAMES, World, check_profiles, check_views
from tests.faults.orders import Orders
from tests.faults.running import Running
from tests.feeding import stored, until
from tests.following import NAMES, history
from tests.kafka.group_program import PARTITIONS, GroupOrders, run
from tests.recorded import complaint

SETTLE_SECONDS = 30.0
MORE_EVENTS = 300
"""How many events each stage takes over before the next one begins."""


class Load:
    """Appends events of all kinds, few at a time, until it is ended."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def end(self) -> None:
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        events = history(100_000)
        while not self._stopping.is_set():
            now, events = events[:10], events[10:]
            self._store.recorder.insert_events(stored(now))
            self._stopping.wait(0.02)  # a pace, not a wait for anything


class Members:
    """The group's processes."""

    def __init__(self, orders: GroupOrders, there: World) -> None:
        self._orders = orders
        self._there = there
        self.running: list[Running] = []

    def begin(self, **changes: Any) -> Running:
        """One more."""
        one = Running(replace(self._orders, **changes), run)
        self.running.append(one)
        one.ready()
        return one

    def share(self) -> None:
        """Wait until each has some and together they have all, of both views; then until they have
        taken over more events."""
        until(self.shared, "the partitions are shared", SETTLE_SECONDS)
        before = self._taken()
        until(
            lambda: all(now > then + MORE_EVENTS for now, then in self._moved(before)),
            "they go on",
            SETTLE_SECONDS,
        )

    def leave(self) -> int | None:
        """The first one drains and ends; its exit code."""
        one = self.running.pop(0)
        code = one.stop()
        one.end()
        return code

    def end(self) -> None:
        for one in self.running:
            one.end()

    def shared(self) -> bool:
        """Whether each has some of each view, and together they have all."""
        health = [one.health() for one in self.running]
        for view in self._orders.projects:
            assert all(each[view]["reason"] is None for each in health if view in each), health
            parts = [each.get(view, {"partitions": []})["partitions"] for each in health]
            every = sorted(partition for part in parts for partition in part)
            if every != list(range(PARTITIONS)) or not all(parts):
                return False
        return True

    def _taken(self) -> list[int]:
        return [sum(self._there.stands(view).values()) for view in VIEW_NAMES]

    def _moved(self, before: list[int]) -> Iterator[tuple[int, int]]:
        return zip(self._taken(), before, strict=True)


@contextmanager
def relayed(store: Store, store_url: str, address: str, topic: str) -> Iterator[Relay]:
    """A relay of the store to a topic."""
    watch = StoreWatch(store_url)
    with pool_for(store_url, 4) as pool:
        relay = Relay(
            Source(store.history, watch, Relayed(pool, topic)),
            Fixed([0]),
            KafkaOutlet((address,), topic, PARTITIONS),
            RelayHealth(topic),
        )
        watch.start()
        relay.start()
        try:
            yield relay
        finally:
            relay.stop()
            watch.stop()


@contextmanager
def world(new_database: Callable[[str], str], folder: Path) -> Iterator[tuple[World, Store]]:
    """An open store of twelve partitions, and views that nobody projects yet."""
    orders = Orders(new_database("store"), new_database("views"), str(folder / "ring"))
    with (
        open_store(orders.store, Path(orders.ring), PARTITIONS) as store,
        open_views(orders.views) as engine,
    ):
        for view in VIEWS:
            generations.ensure(engine, view, partitions=PARTITIONS, epoch=store.info.epoch)
        ids = Ids(Ring.open(Path(orders.ring)).id)
        yield World(orders, engine, store.history, ids), store


@pytest.fixture
def topic(new_topic: Callable[[str], str]) -> str:
    return new_topic("groups")


def test_one_two_three_and_one_projector_lose_nothing_and_double_nothing(
    kafka: str, topic: str, new_database: Callable[[str], str], tmp_path: Path
) -> None:
    with (
        world(new_database, tmp_path) as (there, store),
        relayed(store, there.orders.store, kafka, topic),
    ):
        members = Members(GroupOrders(there.orders.views, store.info.epoch, kafka, topic), there)
        load = Load(store)
        try:
            for _ in range(3):
                members.begin()
                members.share()
            members.running.pop(1).end()  # kill -9
            members.share()
            assert members.leave() == 0
            members.share()
            load.end()
            there.settled()
            check_views(there, there.log())
        finally:
            load.end()
            members.end()


@pytest.fixture
def after_a_zombie(
    kafka: str, topic: str, new_database: Callable[[str], str], tmp_path: Path
) -> Iterator[Callable[[bool], World]]:
    """Stops a projector with a batch in hand, lets another one take everything over, and wakes the
    first one up again; returns when both share the group and the view is at the head."""
    with (
        world(new_database, tmp_path) as (there, store),
        relayed(store, there.orders.store, kafka, topic),
    ):
        orders = GroupOrders(
            there.orders.views, store.info.epoch, kafka, topic, projects=("profile",)
        )
        members = Members(orders, there)

        def wake_up(guarded: bool) -> World:
            store.recorder.insert_events(stored(complaint(n) for n in NAMES * 25))
            zombie = members.begin(stops_at=3, guarded=guarded)
            zombie.stopped("polled")
            members.begin()
            there.settled("profile")
            zombie.go_on()
            until(members.shared, "both have some", SETTLE_SECONDS)
            there.settled("profile")
            return there

        try:
            yield wake_up
        finally:
            members.end()


def test_who_was_thought_dead_and_wakes_up_with_a_batch_in_hand_changes_nothing(
    after_a_zombie: Callable[[bool], World],
) -> None:
    there = after_a_zombie(True)
    check_profiles(there, there.log())


def test_without_the_guard_it_would(after_a_zombie: Callable[[bool], World]) -> None:
    there = after_a_zombie(False)
    with pytest.raises(AssertionError, match="not the plain fold"):
        check_profiles(there, there.log())
