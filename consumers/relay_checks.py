"""What must hold before the relay writes; where it does not, it stops and a person decides."""

from collections.abc import Sequence

from consumers.kafka_topics import Tail
from schemas.envelope import Event
from schemas.errors import Broken, OtherEpoch


def check_tail(tail: Tail, epoch: int, head: int, saved: int) -> None:
    """Raises where the topic's end, the store's head and the saved position cannot all be true, and
    only a person can tell which of them is wrong."""
    if tail.epoch is not None and tail.epoch != epoch:
        raise OtherEpoch(
            "the topic holds events of another epoch: the store was restored, or the topic is "
            "another store's. Delete the topic, and start `backbone relay --refill`"
        )
    if tail.position > head:
        # A backup was put back, and nobody said so yet.
        raise OtherEpoch(
            f"the topic is ahead of the store ({tail.position} against {head}): an older backup "
            "of the store was put back. Find out which of them is right before anything is written"
        )
    if tail.position < saved:
        raise Broken(
            f"the topic ends at position {tail.position} and once held {saved}: it is new, or has "
            "lost records. To send again what it lacks, start `backbone relay --refill`"
        )


def check_dense(events: Sequence[Event], tail: int) -> None:
    """Raises Broken unless the events follow the tail without a gap, as positions do."""
    positions = [event.position for event in events]
    if positions != list(range(tail + 1, tail + 1 + len(events))):
        raise Broken(
            f"positions are missing in the store behind {tail}: find out who changed its events"
        )
