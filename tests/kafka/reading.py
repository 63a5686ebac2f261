"""What is on a topic, as any reader with `read_committed` finds it, held against the store."""

import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from contextlib import closing
from typing import Any

from kafka import KafkaConsumer, TopicPartition

from schemas.partitioning import partition_of
from schemas.records import Carried, event_from_binary
from schemas.registry import Registry
from tests.stores import ask

SECONDS_MAX = 60.0
_REGISTRY = Registry()
_ROWS = "SELECT position, subject, partition, sequence, state FROM events ORDER BY position"


def read_topic(
    address: str, topic: str, partitions: int, isolation: str = "read_committed"
) -> list[Any]:
    """Every record of the topic, in order within each partition."""
    every = [TopicPartition(topic, number) for number in range(partitions)]
    settings = {
        "bootstrap_servers": address,
        "isolation_level": isolation,
        "enable_auto_commit": False,
        "auto_offset_reset": "none",
        "fetch_max_wait_ms": 20,
        "reconnect_backoff_max_ms": 200,
        "max_partition_fetch_bytes": 8 * 1024 * 1024,
    }
    records: list[Any] = []
    with closing(KafkaConsumer(**settings)) as consumer:
        consumer.assign(every)
        consumer.seek_to_beginning(*every)
        ends = consumer.end_offsets(every)
        until = time.monotonic() + SECONDS_MAX
        while any(consumer.position(each) < ends[each] for each in every):
            assert time.monotonic() < until, "the topic cannot be read to its end"
            for found in consumer.poll(timeout_ms=100).values():
                records.extend(found)
    return records


def carried(records: Iterable[Any]) -> list[Carried]:
    """The records as events."""
    return [event_from_binary(each.headers, each.value, _REGISTRY) for each in records]


def check_topic(address: str, topic: str, partitions: int, store_url: str) -> int:
    """The topic holds exactly what the store does; how many events these are."""
    records = read_topic(address, topic, partitions)
    rows = {row[0]: row for row in ask(store_url, _ROWS)}
    read = carried(records)
    _check_each_once([event.position for _, event in read], rows)
    _check_order(records, read)
    ((epoch,),) = ask(store_url, "SELECT epoch FROM store_info")
    for record, (its_epoch, event) in zip(records, read, strict=True):
        _, subject, partition, sequence, state = rows[event.position]
        assert record.value == bytes(state), f"{event.position} has other bytes than the store's"
        assert record.key == subject.encode() == event.subject.encode(), "the key is the subject"
        assert partition == partition_of(subject, partitions) == event.partition
        assert record.partition == partition, "as a Java client would choose it"
        assert (event.sequence, its_epoch) == (sequence, epoch)
    return len(records)


def _check_each_once(positions: Sequence[int], rows: dict[int, Any]) -> None:
    times = Counter(positions)
    for position in sorted(rows):
        assert times[position] == 1, f"the event at {position} is {times[position]} times there"
    assert len(times) == len(rows), "the topic holds events that the store does not"


def _check_order(records: Sequence[Any], read: Sequence[Carried]) -> None:
    sequences: dict[int, list[int]] = defaultdict(list)
    for record, (_, event) in zip(records, read, strict=True):
        sequences[record.partition].append(event.sequence)
    for partition, found in sequences.items():
        assert found == list(range(1, len(found) + 1)), f"partition {partition} is out of order"


def until_read(address: str, topic: str, partitions: int, events: int) -> None:
    """Wait until so many committed events can be read."""
    never = threading.Event()
    until = time.monotonic() + SECONDS_MAX
    while time.monotonic() < until:
        if len(read_topic(address, topic, partitions)) >= events:
            return
        never.wait(0.05)
    raise AssertionError(f"fewer than {events} events came to the topic")
