"""Whether the topic holds what the store does: every event once, in order, as any reader finds it.

Only headers are looked at; what is not committed is not seen.
"""

import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any
from uuid import UUID

from kafka import KafkaConsumer, TopicPartition

from consumers.kafka_client import Addresses, asking_kafka, client
from consumers.kafka_records import stamp
from consumers.kafka_topics import check_partitions
from consumers.verifying import Difference, Kind, Progress, Verified
from schemas.errors import Broken, Unavailable
from store.history import History

READ_IDS_MAX = 5_000
"""How many ids are read from the store at once."""

SILENT_SECONDS_MAX = 20.0
"""How long Kafka may send nothing, though the topic goes on, before it counts as gone."""

_LOOK_MS = 200


def verify_topic(
    addresses: Addresses, topic: str, history: History, progress: Progress
) -> Verified:
    """The topic, read from its beginning to where it ends now. One that is not there yet is behind.

    Progress is in offsets, which are a few more than events. Raises Unavailable where Kafka or the
    store does not answer, Broken for another partition count than the store's.
    """
    with asking_kafka(), closing(_reader(addresses)) as consumer:
        found = consumer.partitions_for_topic(topic) or ()
        if found:
            check_partitions(topic, len(found), history.info.partitions)
        places = [TopicPartition(topic, number) for number in sorted(found)]
        starts = consumer.beginning_offsets(places) if places else {}
        ends = consumer.end_offsets(places) if places else {}
        # Behind the ends: what is relayed meanwhile must not look like more than the store has.
        heads = {partition: sequence for partition, (sequence, _) in history.heads().items()}
        total, done = sum(ends.values()) - sum(starts.values()), 0
        checks = [_Check(history, partition, head) for partition, head in heads.items()]
        for place in places:
            check = checks[place.partition]
            for records, offset in _batches(consumer, place, starts[place], ends[place]):
                check.take(records)
                progress(done + offset - starts[place], total)
                if check.difference is not None:
                    break
            done += ends[place] - starts[place]
            progress(done, total)
    return Verified(
        f"topic {topic}",
        sum(check.sequence for check in checks),
        sum(check.behind for check in checks),
        tuple(check.difference for check in checks if check.difference is not None),
    )


class _Check:
    """Follows one partition, record by record, up to its first difference."""

    def __init__(self, history: History, partition: int, head: int) -> None:
        self._partition = partition
        self._head = head
        self._epoch = history.info.epoch
        self._stored = _ids(history, partition)
        self._at: tuple[int, UUID] | None = None
        self.sequence = 0
        self.difference: Difference | None = None

    @property
    def behind(self) -> int:
        """How many events the partition lacks at its end, as far as it was followed."""
        return 0 if self.difference else max(0, self._head - self.sequence)

    def take(self, records: list[Any]) -> None:
        """Follow these; nothing behind a difference is looked at."""
        for record in records:
            self.difference = self._differs(record)
            if self.difference is not None:
                return
            self.sequence += 1

    def _differs(self, record: Any) -> Difference | None:
        expected = self.sequence + 1
        try:
            found = stamp(record)
        except Broken:
            return self._difference("foreign", expected)
        if found.sequence < 1:
            return self._difference("foreign", expected)
        if found.epoch != self._epoch:
            return self._difference("other-epoch", found.sequence)
        if found.sequence < expected:
            return self._difference("doubled", found.sequence)
        if found.sequence > expected:
            return self._difference("missing", expected, found.sequence - 1)
        return self._differs_from_stored(dict(record.headers).get("ce_id"), expected)

    def _differs_from_stored(self, event_id: bytes | None, sequence: int) -> Difference | None:
        while self._at is None or self._at[0] < sequence:
            self._at = next(self._stored, None)
            if self._at is None:
                return self._difference("unknown", sequence)
        if self._at[0] > sequence:
            return self._difference("unknown", sequence)
        same = event_id == str(self._at[1]).encode()
        return None if same else self._difference("other-event", sequence)

    def _difference(self, kind: Kind, first: int, last: int | None = None) -> Difference:
        return Difference(self._partition, kind, first, first if last is None else last)


def _reader(addresses: Addresses) -> Any:
    return client(
        KafkaConsumer,
        addresses,
        isolation_level="read_committed",
        enable_auto_commit=False,
        auto_offset_reset="none",
        allow_auto_create_topics=False,
        max_poll_records=2_000,
        max_partition_fetch_bytes=4 * 1024 * 1024,
        fetch_max_wait_ms=50,
    )


def _batches(consumer: Any, place: Any, start: int, end: int) -> Iterator[tuple[list[Any], int]]:
    """The records of a partition from `start` up to `end`, with the offset behind them."""
    consumer.assign([place])
    consumer.seek(place, start)
    offset, moved_at = start, time.monotonic()
    while offset < end:
        records = consumer.poll(timeout_ms=_LOOK_MS).get(place, [])
        now = consumer.position(place)
        if now > offset:
            offset, moved_at = now, time.monotonic()
            yield [record for record in records if record.offset < end], min(offset, end)
        elif time.monotonic() - moved_at > SILENT_SECONDS_MAX:
            raise Unavailable("Kafka sends nothing of the topic any more")


def _ids(history: History, partition: int) -> Iterator[tuple[int, UUID]]:
    """Every (sequence, event id) of a partition that the store holds, in order."""
    sequence = 0
    while found := history.ids(partition, sequence, READ_IDS_MAX):
        yield from found
        sequence = found[-1][0]
