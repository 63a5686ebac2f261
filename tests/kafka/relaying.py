"""A relay of the test's own on a real store and a real broker, built as the program builds it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from backbone.relaying import relay_lock
from backbone.wiring import Pool, pool_for
from consumers.kafka_outlet import KafkaOutlet
from consumers.kafka_producer import Patience
from consumers.ownership import Ownership
from consumers.relay import Outlet, Relay, Source
from consumers.relay_health import RelayHealth, RelayState
from consumers.store_watch import StoreWatch
from store.relayed import Relayed
from tests.feeding import PARTITIONS, World, until, world
from tests.kafka.reading import check_topic

HURRIED = Patience(request=2, delivery=4, flush=5, commit=5, transaction=10)


@dataclass
class Line:
    """A store at one end and a topic at the other."""

    world: World
    address: str
    topic: str
    pool: Pool
    partitions: int = PARTITIONS
    running: list[Relay] = field(default_factory=list)

    @property
    def relayed(self) -> Relayed:
        return Relayed(self.pool, self.topic)

    def outlet(self, **changes: Any) -> KafkaOutlet:
        """A way to the topic."""
        return KafkaOutlet(
            (self.address,), self.topic, self.partitions, **({"patience": HURRIED} | changes)
        )

    def relay(
        self,
        outlet: Outlet | None = None,
        lock: Ownership | None = None,
        watch: StoreWatch | None = None,
        **changes: Any,
    ) -> Relay:
        """One that runs."""
        relay = Relay(
            Source(self.world.history, watch or self.world.watch, self.relayed),
            lock or relay_lock(self.world.store_url, self.topic),
            outlet or self.outlet(),
            RelayHealth(self.topic),
            **changes,
        )
        self.running.append(relay)
        relay.start()
        return relay

    def settled(self, relay: Relay) -> RelayState:
        """Wait until everything in the store is on the topic, by this relay."""
        head = len(self.world.log())

        def done() -> bool:
            now = relay.health.now()
            assert now.state != "stopped", now
            return now.caught_up and now.position == head

        until(done, "the relay has caught up")
        return relay.health.now()

    def stopped(self, relay: Relay) -> RelayState:
        """Wait until it has stopped by itself."""
        until(lambda: relay.health.now().state == "stopped", "the relay stops")
        return relay.health.now()

    def check(self) -> int:
        """The topic holds what the store does; how many events."""
        return check_topic(self.address, self.topic, self.partitions, self.world.store_url)

    def end(self) -> None:
        """Stop whatever runs."""
        for relay in self.running:
            relay.stop()


@contextmanager
def line(
    new_database: Callable[[str], str], folder: Path, address: str, topic: str
) -> Iterator[Line]:
    """A fresh Line; its relays end with it."""
    with world(new_database, folder) as made, pool_for(made.store_url, 4) as pool:
        one = Line(made, address, topic, pool)
        try:
            yield one
        finally:
            one.end()
