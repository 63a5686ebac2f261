"""The Kafka feed: the topic that the relay fills, its partitions shared by a consumer group.

A checkpoint's hint is the offset behind its last event. It is believed when the record in front of
it has the checkpoint's sequence, which is then read once more; else the place is found by halving.
Nothing is committed to Kafka: which events a view holds is known where the view is, and a member
that was thought dead and wakes up is refused there.
"""

import time
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from typing import Any

from kafka.errors import OffsetOutOfRangeError

from consumers.feed import Batch, Feed, Mark, Reader
from consumers.kafka_client import asking_kafka
from consumers.kafka_ends import TopicEnds
from consumers.kafka_members import KafkaSource, Listener, member
from consumers.kafka_place import places_behind, scout
from consumers.kafka_records import Stamp, check_epoch, event_of, stamp
from consumers.kafka_stand import Stand, begin_at
from schemas.envelope import Event
from schemas.errors import Unavailable

LOOK_SECONDS_MIN = 0.05
LOOK_SECONDS_MAX = 0.2
"""How long one look at Kafka waits; `wake` is noticed between two of them."""

FIND_SECONDS_MAX = 20.0
CLOSE_SECONDS_MAX = 3.0


class KafkaFeed:
    """Feeds one reader. Its group's members share all partitions; with `partitions` it reads these,
    and shares with nobody. Nothing runs before `start`."""

    def __init__(
        self, source: KafkaSource, group: str, partitions: Collection[int] | None = None
    ) -> None:
        self._source = source
        self._group = group
        self._fixed = partitions
        self._reader: Reader | None = None
        self._consumer: Any = None
        self._scout: Any = None
        # Changed by the listener as well, by whole entries only: whoever walks them takes a copy.
        self._stands: dict[int, Stand] = {}
        self._owed: set[int] = set()
        self._ends = TopicEnds()
        self._woken = False

    def start(self, reader: Reader) -> None:
        """Whom to tell of partitions."""
        self._reader = reader

    def poll(self, limit: int, seconds: float) -> Batch:
        """Up to `limit` events, waiting up to `seconds` for the first."""
        until = time.monotonic() + seconds
        while True:
            self._open()
            self._find_lost()
            left = until - time.monotonic()
            wait = min(max(left, LOOK_SECONDS_MIN), LOOK_SECONDS_MAX)
            events, hints = self._read(self._look(limit, wait))
            if events or self._woken or left <= LOOK_SECONDS_MAX:
                self._woken = False
                return Batch(events, hints, self._caught_up(believing=bool(events)))

    def seek(self, marks: Mapping[int, Mark]) -> None:
        """Go on from these marks."""
        if self._consumer is not None:
            self._place({p: mark for p, mark in marks.items() if p in self._stands})

    def doubt(self) -> None:
        """Nothing to ask: the group tells with the next poll, and until then the checkpoints do."""

    def wake(self) -> None:
        """Let a waiting poll return."""
        self._woken = True

    def close(self) -> None:
        """Leave the group."""
        self._drop()

    # The consumer, and which partitions it has.

    def _open(self) -> None:
        if self._consumer is None:
            with asking_kafka():
                group = self._group if self._fixed is None else None
                self._consumer = member(self._source, group)
            if self._fixed is None:
                self._consumer.subscribe(
                    [self._source.topic], listener=Listener(self._come, self._gone)
                )
            else:
                self._consumer.assign([self._source.place(p) for p in self._fixed])
                self._come(set(self._fixed))
        if self._owed:
            self._answer()

    def _drop(self) -> None:
        for client in (self._consumer, self._scout):
            if client is not None:
                with suppress(Exception):  # a client that failed may fail at this as well
                    client.close(timeout_ms=int(1000 * CLOSE_SECONDS_MAX))
        self._consumer = self._scout = None
        self._gone({*self._stands, *self._owed})

    def _come(self, partitions: set[int]) -> None:
        """Ours from now on. Kafka itself knows no place for them: until ours is known, they wait.

        Most are told at once, before the first record of theirs is handed out.
        """
        for partition in partitions:
            self._hold(partition)
        self._owed |= partitions
        with suppress(Exception):  # asked again by `poll`, where it can be told
            self._answer()

    def _gone(self, partitions: set[int]) -> None:
        self._owed -= partitions
        for partition in partitions:
            self._stands.pop(partition, None)
        if partitions and self._reader is not None:
            self._reader.revoked(partitions)

    def _answer(self) -> None:
        """Ask the reader where the partitions that came stand; one short query."""
        assert self._reader is not None, "start comes before poll"
        owed = set(self._owed)
        self._place(self._reader.assigned(owed))
        self._owed -= owed

    # Where each is read.

    def _place(self, marks: Mapping[int, Mark]) -> None:
        self._ends.forget()
        for partition, mark in marks.items():
            stand, offset = begin_at(mark)
            self._stands[partition] = stand
            if stand.state == "lost":
                self._hold(partition)
            else:
                place = self._source.place(partition)
                self._consumer.seek(place, offset)
                self._consumer.resume(place)

    def _hold(self, partition: int) -> None:
        """Read nothing of it. The place is any: without one, kafka-python fails for all of them."""
        place = self._source.place(partition)
        self._consumer.seek(place, 0)
        self._consumer.pause(place)

    def _lose(self, partitions: Collection[int]) -> None:
        for partition in partitions:
            if stand := self._stands.get(partition):
                stand.state = "lost"
                self._hold(partition)

    def _find_lost(self) -> None:
        lost = {
            self._source.place(partition): Stamp(stand.epoch, stand.sequence)
            for partition, stand in list(self._stands.items())
            if stand.state == "lost"
        }
        if not lost:
            return
        try:
            with asking_kafka():
                if self._scout is None:
                    self._scout = scout(self._source.addresses)
                found = places_behind(self._scout, lost, time.monotonic() + FIND_SECONDS_MAX)
                for place, offset in found.items():
                    self._consumer.seek(place, offset)
                    self._consumer.resume(place)
                    self._stands[place.partition].state = "sure"
        except Unavailable:
            self._drop()
            raise

    # What is read.

    def _look(self, limit: int, seconds: float) -> Mapping[Any, list[Any]]:
        try:
            with asking_kafka():
                with suppress(OffsetOutOfRangeError):
                    records: Mapping[Any, list[Any]] = self._consumer.poll(
                        timeout_ms=int(1000 * seconds), max_records=limit
                    )
                    return records
                self._lose(list(self._stands))
                return {}
        except Unavailable:
            self._drop()
            raise

    def _read(self, found: Mapping[Any, list[Any]]) -> tuple[list[Event], dict[int, str]]:
        """The events that are new, and the hints behind them."""
        events: list[Event] = []
        hints: dict[int, str] = {}
        for place, records in found.items():
            stand = self._stands.get(place.partition)
            if stand is None or not self._believed(place.partition, stand, records[0]):
                continue
            for record in records:
                event = event_of(record, stand.epoch, self._source.registry)
                if event.sequence > stand.sequence:
                    events.append(event)
                    hints[place.partition] = str(record.offset + 1)
                    stand.sequence = event.sequence
        return events, hints

    def _believed(self, partition: int, stand: Stand, first: Any) -> bool:
        if stand.state == "sought":
            found = stamp(first)
            check_epoch(found.epoch, stand.epoch)
            if found.sequence == stand.sequence:
                stand.state = "sure"
            else:
                self._lose([partition])
        return stand.state == "sure"

    def _caught_up(self, *, believing: bool) -> bool:
        """Whether every partition is read to its end; raises Unavailable where Kafka is gone."""
        stands = dict(self._stands)
        places = [self._source.place(partition) for partition in stands or (0,)]
        self._ends.ask(self._consumer, places, believing=believing)
        caught_up = bool(stands) and not self._owed
        for partition, stand in stands.items():
            at_end = self._ends.reached(self._consumer, self._source.place(partition))
            if stand.state == "lost" or not at_end:
                caught_up = False
            elif stand.state == "sought":  # there is no record where the hint says
                self._lose([partition])
                caught_up = False
        return caught_up


def kafka_feeds(source: KafkaSource, prefix: str = "backbone") -> Callable[[str, int], Feed]:
    """Feeds from Kafka for each view's generation: a group each, over all partitions."""

    def feed(view: str, generation: int) -> Feed:
        return KafkaFeed(source, f"{prefix}-{view}-g{generation}")

    return feed
