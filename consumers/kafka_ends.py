"""Where the topic ends for who reads what is committed: asked of Kafka, and believed for a moment.

Asking is also how a broker is missed: where there is none, a poll of kafka-python only finds
nothing.
"""

import time
from collections.abc import Collection, Mapping
from typing import Any

from consumers.kafka_client import asking_kafka

BELIEVED_SECONDS = 0.25
"""How long the ends are believed while events keep coming."""

ANSWER_SECONDS_MAX = 3.0
"""How long Kafka may take to tell them before it counts as gone."""

_ANSWER_MS = int(1000 * ANSWER_SECONDS_MAX)


class TopicEnds:
    """The ends of some partitions. Its methods raise Unavailable where no broker answers."""

    def __init__(self) -> None:
        self._ends: Mapping[Any, int] = {}
        self._asked_at = float("-inf")

    def ask(self, consumer: Any, places: Collection[Any], *, believing: bool) -> None:
        """Find out where they are; `believing`, those that were just asked for will do."""
        now = time.monotonic()
        if believing and now - self._asked_at <= BELIEVED_SECONDS:
            return
        with asking_kafka():
            self._ends = consumer.end_offsets(list(places), timeout_ms=_ANSWER_MS)
        self._asked_at = now

    def forget(self) -> None:
        """Ask in any case the next time."""
        self._asked_at = float("-inf")

    def reached(self, consumer: Any, place: Any) -> bool:
        """Whether the consumer has read this partition to its end."""
        with asking_kafka():
            position = consumer.position(place, timeout_ms=_ANSWER_MS)
        return position is not None and place in self._ends and position >= self._ends[place]
