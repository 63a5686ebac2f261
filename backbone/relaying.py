"""The relay, built: the store without a key, Kafka, and the lock that keeps standbys quiet."""

from collections.abc import Iterator
from contextlib import contextmanager

from backbone.databases import databases
from backbone.migrating import migrated
from backbone.settings import Settings, SettingsError
from backbone.wiring import open_history, pool_for
from consumers.kafka_client import Addresses
from consumers.kafka_outlet import KafkaOutlet
from consumers.kafka_topics import CUSTOMER_EVENTS, ensure_topic
from consumers.ownership import PartitionLocks
from consumers.relay import Relay, Source
from consumers.relay_health import RelayHealth
from consumers.store_watch import StoreWatch
from schemas.errors import Unavailable
from store.history import History
from store.relayed import Relayed

SILENT_SECONDS_MAX = 60.0
"""How long the active relay may not ask for its lock before the server ends its connection, and a
standby takes over: longer than any round of its own, which waits for Kafka 40 seconds at most."""


@contextmanager
def relaying(settings: Settings, *, refill: bool = False) -> Iterator[Relay]:
    """The running relay; drained on leaving.

    Raises SettingsError without an address of Kafka, Unavailable where Kafka or the store cannot be
    reached at the start (later it waits for them), Broken for a topic that does not fit the store.
    """
    if settings.kafka is None:
        raise SettingsError("BACKBONE_KAFKA", "set it to your Kafka's address, such as kafka:9092")
    with databases(settings) as at, open_history(at.store) as history:
        with migrated(at.store, "store"):
            pass
        watch = StoreWatch(at.store)
        watch.start()
        try:
            with running_relay(settings.kafka, at.store, history, watch, refill=refill) as relay:
                yield relay
        finally:
            watch.stop()


@contextmanager
def running_relay(
    addresses: Addresses,
    store_url: str,
    history: History,
    watch: StoreWatch,
    *,
    refill: bool = False,
) -> Iterator[Relay]:
    """A relay of a store that is open; drained on leaving.

    Raises Unavailable where Kafka cannot be reached at the start, Broken for a topic that does not
    fit the store.
    """
    _knock(addresses, history.info.partitions)
    with pool_for(store_url, connections_max=2) as pool:
        relay = Relay(
            Source(history, watch, Relayed(pool, CUSTOMER_EVENTS)),
            relay_lock(store_url, CUSTOMER_EVENTS),
            KafkaOutlet(addresses, CUSTOMER_EVENTS, history.info.partitions),
            RelayHealth(CUSTOMER_EVENTS),
            refill=refill,
        )
        relay.start()
        try:
            yield relay
        finally:
            relay.stop()


def relay_lock(
    store_url: str, topic: str, silent_seconds_max: float = SILENT_SECONDS_MAX
) -> PartitionLocks:
    """The one lock of the relays of a topic, in the store; it is held where partition 0 is."""
    return PartitionLocks(
        store_url,
        f"relay {topic}",
        [0],
        database="store",
        silent_seconds_max=silent_seconds_max,
    )


def _knock(addresses: Addresses, partitions: int) -> None:
    """Whether Kafka is there and the topic fits, told at once to who starts the relay."""
    try:
        ensure_topic(addresses, CUSTOMER_EVENTS, partitions)
    except Unavailable as fault:
        raise Unavailable(
            f"Kafka cannot be used at {', '.join(addresses)}: {fault.reason}. Is BACKBONE_KAFKA "
            "right, does a broker run there, and do its advertised listeners lead there from here?"
        ) from None
