"""A feed: an ordered source of recorded events per partition, whatever carries them.

Events of one partition come in order of their sequence and without a gap. They may come again: a
reader's checkpoint ignores what it knows. Which partitions a feed reads may change while it runs.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from schemas.envelope import Event


class Mark(Protocol):
    """Where a reader stands in one partition; checkpoints are marks."""

    @property
    def epoch(self) -> int:
        """The epoch of the store that the events came from."""

    @property
    def sequence(self) -> int:
        """The last event's sequence, 0 for none."""

    @property
    def hint(self) -> str | None:
        """Where the feed left off, in its own terms (Kafka: an offset), or None."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What one poll found: `events` in order within each partition.

    `hints` are to be kept with the checkpoints. `caught_up` says that every partition was read to
    the head that it had at this poll.
    """

    events: list[Event]
    hints: Mapping[int, str] = field(default_factory=dict)
    caught_up: bool = False


class Reader(Protocol):
    """Who is told which partitions are read. Any thread may call, but no two at the same time."""

    def assigned(self, partitions: Collection[int]) -> Mapping[int, Mark]:
        """These partitions are read from now on: answers where each goes on, by one short query.

        A partition that is missing in the answer is not read.
        """

    def revoked(self, partitions: Collection[int]) -> None:
        """These partitions are read elsewhere, or may be: forget where they stood."""


class Feed(Protocol):
    """One reader's source. All but `wake` are called by the reader's own thread."""

    def start(self, reader: Reader) -> None:
        """Whom to tell of partitions that come and go; called once, before the first poll."""

    def poll(self, limit: int, seconds: float) -> Batch:
        """Up to `limit` events, waiting up to `seconds` for the first.

        Raises Unavailable for a fault of the world, OtherEpoch where the events are of another
        epoch than the reader's marks, and Broken for what a person must look at.
        """

    def seek(self, marks: Mapping[int, Mark]) -> None:
        """Go on from these marks in the partitions that are read."""

    def doubt(self) -> None:
        """Somebody else wrote for a partition of this feed: find out anew what may be read."""

    def wake(self) -> None:
        """Let a poll that waits return now, from any thread."""

    def close(self) -> None:
        """Let go of all partitions and connections."""
