"""Relays that are killed, and the load that goes on meanwhile."""

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.faults.relay_program import RelayOrders, run_relay
from tests.faults.running import Running
from tests.feeding import PARTITIONS, World, until, world
from tests.kafka.reading import check_topic
from tests.recorded import complaint
from tests.stores import ask

NAMES = [f"n{number}" for number in range(50)]
GROUP_EVENTS_MAX = 20
PAUSE_SECONDS = 0.01
"""Between two groups of the load, so that the relay's batches stay small and many."""


class RelayProcess(Running):
    """One relay: a process of its own."""

    def __init__(self, orders: RelayOrders) -> None:
        super().__init__(orders, run_relay)

    def now(self) -> dict[str, Any]:
        """How it does; empty when it died."""
        return self.health()

    def position(self) -> int:
        """The last event that it knows to be on the topic; 0 where it is not the active one."""
        return int(self.now().get("position") or 0)

    def active(self) -> bool:
        """Whether it lives, and relays."""
        return self.now().get("state") == "active"


@dataclass
class Scene:
    """A store that fills, a topic, and relays between them. `seed` is told when a test fails."""

    world: World
    address: str
    topic: str
    seed: int
    started: list[RelayProcess] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        print(f"seed {self.seed}")  # noqa: T201

    @property
    def orders(self) -> RelayOrders:
        """Orders of a relay that lives."""
        return RelayOrders(self.world.store_url, self.address, self.topic)

    def start(self, orders: RelayOrders) -> RelayProcess:
        """A relay that is wired."""
        relay = RelayProcess(orders)
        self.started.append(relay)
        relay.ready()
        return relay

    def append(self) -> None:
        """A group of events of whomever."""
        count = self.chance.randrange(1, GROUP_EVENTS_MAX)
        self.world.append_surely(*(complaint(self.chance.choice(NAMES)) for _ in range(count)))

    def head(self) -> int:
        """The store's last position."""
        ((position,),) = ask(self.world.store_url, "SELECT coalesce(max(position), 0) FROM events")
        return int(position)

    @contextmanager
    def load(self) -> Iterator[None]:
        """Events come without pause until the block ends."""
        over = threading.Event()

        def come() -> None:
            while not over.wait(PAUSE_SECONDS):
                self.append()

        thread = threading.Thread(target=come)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def cut_locks(self) -> None:
        """What the server does with a client of which it has not heard for too long."""
        self.world.cut(f"backbone relay {self.topic}"[:63])

    def settled(self, *relays: RelayProcess) -> None:
        """Wait until one of the relays has put everything on the topic, or has stopped by itself:
        what the topic holds then is for `check` to tell."""

        def over() -> bool:
            now = [one.now() for one in relays]
            stopped = all(each.get("state") == "stopped" for each in now)
            return stopped or max(each.get("position") or 0 for each in now) == self.head()

        until(over, "everything is on the topic", 60)

    def check(self) -> int:
        """The topic holds what the store does; how many events."""
        return check_topic(self.address, self.topic, PARTITIONS, self.world.store_url)

    def end(self) -> None:
        """Kill whatever lives."""
        for relay in self.started:
            relay.end()


@contextmanager
def scene(
    new_database: Callable[[str], str], folder: Path, address: str, topic: str, seed: int
) -> Iterator[Scene]:
    """A fresh Scene; whatever it started ends with it."""
    with world(new_database, folder) as made:
        one = Scene(made, address, topic, seed)
        try:
            yield one
        finally:
            one.end()
