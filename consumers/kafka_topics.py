"""Topics: made with stated settings, held against the store, read at their end."""

import logging
import threading
import time
from collections.abc import Collection, Iterable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import Any

from kafka import IsolationLevel, KafkaAdminClient, KafkaConsumer, OffsetSpec, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType

from consumers.kafka_client import Addresses, asking_kafka, client
from schemas.errors import Broken, Unavailable
from schemas.records import EPOCH, POSITION

CUSTOMER_EVENTS = "customer-events"

REPLICAS_MAX = 3
"""As many copies as there are brokers, up to this."""

RECORD_BYTES_MAX = 32 * 1024 * 1024
"""The largest record: one request's body (16 MiB) can hold one event, and sealing adds a third."""

TOPIC_SETTINGS = {
    "cleanup.policy": "delete",
    "retention.ms": "-1",
    "retention.bytes": "-1",
    "message.timestamp.type": "CreateTime",
    "max.message.bytes": str(RECORD_BYTES_MAX),
}
"""Everything is kept: what the topic forgot, a relay would take for lost."""

TAIL_SECONDS_MAX = 20.0
"""How long reading a topic's end may take, an unfinished transaction of somebody else included."""

_STEP_RECORDS, _STEPS_GROW = 16, 8
_LOOK_SECONDS = 0.02
_UNKNOWN_TOPIC, _EXISTS = 3, 36

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Tail:
    """The last committed event of a topic; position 0 and no epoch where there is none."""

    position: int = 0
    epoch: int | None = None


def ensure_topic(addresses: Addresses, topic: str, partitions: int) -> int:
    """Make the topic, or hold the one there is against the store; returns how many bytes its
    largest record may have.

    Raises Broken for another partition count or a topic that forgets by key, Unavailable where
    Kafka does not answer.
    """
    with asking_kafka(), closing(client(KafkaAdminClient, addresses)) as admin:
        (found,) = admin.describe_topics([topic])
        if found["error_code"] == _UNKNOWN_TOPIC:
            _make(admin, topic, partitions)
            (found,) = admin.describe_topics([topic])
        check_partitions(topic, len(found["partitions"]), partitions)
        return _check_settings(topic, _settings(admin, topic))


def _make(admin: Any, topic: str, partitions: int) -> None:
    replicas = min(REPLICAS_MAX, len(admin.describe_cluster()["brokers"]))
    settings = TOPIC_SETTINGS | {"min.insync.replicas": str(max(1, replicas - 1))}
    wanted = {
        "num_partitions": partitions,
        "replication_factor": replicas,
        "configs": settings,
    }
    (made,) = admin.create_topics({topic: wanted}, raise_errors=False)["topics"]
    if made["error_code"] not in (0, _EXISTS):  # another relay may have been first
        raise Unavailable(
            f"Kafka refuses to make the topic {topic} (error {made['error_code']}): make it, with "
            f"{partitions} partitions, or allow this client to"
        )
    admin.wait_for_topics([topic])


def check_partitions(topic: str, found: int, wanted: int) -> None:
    """Raises Broken unless the topic has as many partitions as the store."""
    if found != wanted:
        raise Broken(
            f"the topic {topic} has {found} partitions and the store has {wanted}: a customer's "
            "events would not stay in one. Delete the topic, and the relay makes it anew; or name "
            "another Kafka in BACKBONE_KAFKA"
        )


def _settings(admin: Any, topic: str) -> dict[str, str]:
    resource = ConfigResource(ConfigResourceType.TOPIC, topic, list(TOPIC_SETTINGS))
    answer = admin.describe_configs([resource], config_filter="all")
    ((found,),) = (each.values() for each in answer.values())
    return {name: str(held["value"]) for name, held in found.items()}


def _check_settings(topic: str, found: Mapping[str, str]) -> int:
    if "compact" in found["cleanup.policy"]:
        raise Broken(
            f"the topic {topic} is compacted and keeps only the last event of each customer: set "
            "its cleanup.policy to delete"
        )
    for name in ("retention.ms", "retention.bytes"):
        if found[name] != TOPIC_SETTINGS[name]:
            log.warning("the topic %s forgets events: set its %s to -1", topic, name)
    return int(found["max.message.bytes"])


def read_tail(
    addresses: Addresses, topic: str, partitions: int, seconds: float = TAIL_SECONDS_MAX
) -> Tail:
    """The last committed event of the topic: the maximum over its partitions, which is exact where
    batches are atomic and follow the store's order.

    To be asked when no other writer can commit any more. Raises Unavailable.
    """
    until = time.monotonic() + seconds
    every = [TopicPartition(topic, number) for number in range(partitions)]
    with asking_kafka():
        ends = _settled_ends(addresses, every, until)
        with closing(
            client(
                KafkaConsumer,
                addresses,
                isolation_level="read_committed",
                enable_auto_commit=False,
                auto_offset_reset="none",
                allow_auto_create_topics=False,
                fetch_max_wait_ms=50,
            )
        ) as consumer:
            starts = consumer.beginning_offsets(every)
            last = last_records(consumer, starts, ends, until)
    return max(map(_place, last), key=lambda tail: tail.position, default=Tail())


def _settled_ends(
    addresses: Addresses, partitions: Collection[Any], until: float
) -> Mapping[Any, int]:
    """Where each partition ends, when no transaction is open: one of any other writer would hide
    the end from those who read what is committed."""
    never, latest = threading.Event(), dict.fromkeys(partitions, OffsetSpec.LATEST)
    with closing(client(KafkaAdminClient, addresses)) as admin:
        while True:
            # In this order: what is committed in between must not look like an end of its own.
            there = admin.list_partition_offsets(latest, IsolationLevel.READ_UNCOMMITTED)
            committed = admin.list_partition_offsets(latest, IsolationLevel.READ_COMMITTED)
            if all(committed[each].offset >= there[each].offset for each in partitions):
                return {each: there[each].offset for each in partitions}
            if time.monotonic() > until:
                raise Unavailable("another writer has an unfinished transaction on the topic")
            never.wait(_LOOK_SECONDS)


def last_records(
    consumer: Any, starts: Mapping[Any, int], ends: Mapping[Any, int], until: float
) -> Iterable[Any]:
    """Of each partition the last record in front of its end, where there is one.

    `end - 1` is often no record but the mark of a commit, or of an abort with all of its records:
    so a stretch is read up to the end, and where nothing is found, one that is eight times longer.
    """
    found: dict[Any, Any] = {}
    wanted = {each for each, end in ends.items() if end > starts[each]}
    step = _STEP_RECORDS
    while wanted:
        _read_stretch(consumer, {each: max(starts[each], ends[each] - step) for each in wanted})
        while behind := {each for each in wanted if consumer.position(each) < ends[each]}:
            if time.monotonic() > until:
                raise Unavailable("the topic's end cannot be read in time")
            for each, records in consumer.poll(timeout_ms=int(1000 * _LOOK_SECONDS)).items():
                found[each] = records[-1]
            consumer.pause(*(wanted - behind))
        wanted = {e for e in wanted - found.keys() if ends[e] - step > starts[e]}
        step *= _STEPS_GROW
    return found.values()


def _read_stretch(consumer: Any, offsets: Mapping[Any, int]) -> None:
    consumer.assign(list(offsets))
    for partition, offset in offsets.items():
        consumer.seek(partition, offset)


def _place(record: Any) -> Tail:
    headers = dict(record.headers)
    with suppress(KeyError, ValueError):
        return Tail(int(headers[POSITION]), int(headers[EPOCH]))
    raise Broken(
        f"the topic {record.topic} ends with a record that no relay wrote: only the relay may "
        "write there. Delete the topic, and the relay fills it anew"
    )
