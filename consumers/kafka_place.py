"""Where to go on in a topic when only the last event's sequence is known: found by halving.

Offsets are no count of events: marks of commits and of aborts take some, and what was taken back
takes others, and none of them can be read. So a probe reads the first record at an offset or
behind it, wherever that is.
"""

import time
from collections.abc import Mapping
from typing import Any

from kafka import KafkaConsumer

from consumers.kafka_client import Addresses, client
from consumers.kafka_records import Stamp, check_epoch, stamp
from schemas.errors import Unavailable

PROBE_BYTES = 64 * 1024
"""What one probe fetches of a partition; a single larger record comes all the same."""

_LOOK_SECONDS = 0.02
_Span = tuple[int, int]


def scout(addresses: Addresses) -> Any:
    """A consumer of no group, to look about with."""
    return client(
        KafkaConsumer,
        addresses,
        isolation_level="read_committed",
        enable_auto_commit=False,
        auto_offset_reset="none",
        allow_auto_create_topics=False,
        fetch_max_wait_ms=int(1000 * _LOOK_SECONDS),
        max_partition_fetch_bytes=PROBE_BYTES,
    )


def places_behind(consumer: Any, known: Mapping[Any, Stamp], until: float) -> dict[Any, int]:
    """Of each partition the offset to read from: behind all events up to the known sequence, and
    before any later one. The end, where there is no later one.

    Takes a round of probes for all partitions at once, for each doubling of the longest. `until` is
    of `time.monotonic`. Raises Unavailable when that has passed, OtherEpoch for a record of another
    epoch, Broken for one that no relay wrote, and whatever kafka-python raises.
    """
    partitions = list(known)
    starts, ends = consumer.beginning_offsets(partitions), consumer.end_offsets(partitions)
    spans = {each: (starts[each], ends[each]) for each in partitions}
    while middles := {each: sum(span) // 2 for each, span in spans.items() if span[0] < span[1]}:
        found = _first_records(consumer, middles, ends, until)
        for each, middle in middles.items():
            spans[each] = _halved(spans[each], middle, found.get(each), known[each])
    return {each: span[0] for each, span in spans.items()}


def _halved(span: _Span, middle: int, record: Any | None, known: Stamp) -> _Span:
    """All in front of a span is known, all behind it is later or no record."""
    low, high = span
    if record is None or record.offset >= high:
        return low, middle
    found = stamp(record)
    check_epoch(found.epoch, known.epoch)
    return (low, middle) if found.sequence > known.sequence else (record.offset + 1, high)


def _first_records(
    consumer: Any, offsets: Mapping[Any, int], ends: Mapping[Any, int], until: float
) -> dict[Any, Any]:
    """Of each partition the first record at its offset or behind it, where there is one."""
    consumer.assign(list(offsets))
    consumer.resume(*offsets)
    for each, offset in offsets.items():
        consumer.seek(each, offset)
    found: dict[Any, Any] = {}
    wanted = set(offsets)
    while wanted:
        if time.monotonic() > until:
            raise Unavailable("the place in the topic cannot be found in time")
        for each, records in consumer.poll(timeout_ms=int(1000 * _LOOK_SECONDS)).items():
            found.setdefault(each, records[0])
        wanted = {e for e in wanted - found.keys() if consumer.position(e) < ends[e]}
        consumer.pause(*(offsets.keys() - wanted))
    return found
