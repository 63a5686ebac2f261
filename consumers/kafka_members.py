"""A consumer of the topic, as a member of a group or of stated partitions."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

from kafka import ConsumerRebalanceListener, KafkaConsumer, TopicPartition

from consumers.kafka_client import Addresses, asking_kafka, client
from schemas.errors import Broken, Unavailable
from schemas.registry import Registry

BOOTSTRAP_SECONDS_MAX = 3.0
"""How long a try to reach a broker may take: shorter than the silence that looks like a death."""

SESSION_SECONDS = 10.0
"""After how long of silence the group gives a member's partitions to the others."""

HEARTBEAT_SECONDS = 0.5
"""Also how long joining and leaving take the others, who hear of it with their next heartbeat."""

PARTITION_FETCH_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class KafkaSource:
    """The topic, and how its records are read; `partitions` is the store's count of them."""

    addresses: Addresses
    topic: str
    partitions: int
    registry: Registry = field(default_factory=Registry)
    session_seconds: float = SESSION_SECONDS

    def place(self, partition: int) -> Any:
        """A partition as kafka-python names it."""
        return TopicPartition(self.topic, partition)


class Listener(ConsumerRebalanceListener):  # type: ignore[misc]
    """Hands on which partitions come and go. Runs on the thread that also sends heartbeats."""

    def __init__(self, come: Callable[[set[int]], None], gone: Callable[[set[int]], None]) -> None:
        self._come = come
        self._gone = gone

    def on_partitions_assigned(self, assigned: Collection[Any]) -> None:
        self._come({each.partition for each in assigned})

    def on_partitions_revoked(self, revoked: Collection[Any]) -> None:
        self._gone({each.partition for each in revoked})

    def on_partitions_lost(self, lost: Collection[Any]) -> None:
        self._gone({each.partition for each in lost})


def member(source: KafkaSource, group: str | None) -> Any:
    """A consumer that has not subscribed to anything yet. Commits nothing, ever: a view's place is
    in its checkpoint.

    Raises Unavailable where the topic is not there, Broken where it does not fit the store, and
    what kafka-python raises where no broker answers.
    """
    consumer = client(
        _hurried,
        source.addresses,
        group_id=group,
        isolation_level="read_committed",
        enable_auto_commit=False,
        auto_offset_reset="none",
        allow_auto_create_topics=False,
        heartbeat_interval_ms=int(1000 * min(HEARTBEAT_SECONDS, source.session_seconds / 4)),
        session_timeout_ms=int(1000 * source.session_seconds),
        max_partition_fetch_bytes=PARTITION_FETCH_BYTES,
        fetch_max_wait_ms=50,
        metadata_max_age_ms=30_000,
    )
    try:
        _check_topic(source, consumer.partitions_for_topic(source.topic))
    except BaseException:
        consumer.close(timeout_ms=0)
        raise
    return consumer


def knock(source: KafkaSource) -> None:
    """Whether Kafka and its topic are there and fit, told at once to who starts a process of it.

    Raises Unavailable and Broken.
    """
    try:
        with asking_kafka():
            member(source, None).close(timeout_ms=0)
    except Unavailable as fault:
        raise Unavailable(
            f"Kafka cannot be read at {', '.join(source.addresses)}: {fault.reason}"
        ) from None


def _hurried(**settings: Any) -> Any:
    return KafkaConsumer(**settings | {"bootstrap_timeout_ms": int(1000 * BOOTSTRAP_SECONDS_MAX)})


def _check_topic(source: KafkaSource, found: Collection[int] | None) -> None:
    if not found:
        raise Unavailable(f"the topic {source.topic} is not there yet: `backbone relay` makes it")
    if len(found) != source.partitions:
        raise Broken(
            f"the topic {source.topic} has {len(found)} partitions and the store has "
            f"{source.partitions}: delete the topic, and the relay makes it anew"
        )
