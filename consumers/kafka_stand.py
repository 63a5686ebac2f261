"""Where one partition is read, and how sure that is."""

from dataclasses import dataclass
from typing import Literal

from consumers.feed import Mark

State = Literal["sought", "lost", "sure"]


@dataclass(slots=True)
class Stand:
    """Read behind this sequence.

    "sought": by a hint, and the next record must have this very sequence; "lost": the hint was
    none, or wrong; "sure": the next record is a later one.
    """

    epoch: int
    sequence: int
    state: State


def begin_at(mark: Mark) -> tuple[Stand, int]:
    """How to go on from a mark, and the offset to begin at; any offset where it is lost."""
    hint = int(mark.hint) if mark.hint and mark.hint.isdecimal() else 0
    if mark.sequence == 0:
        # Where the first records were deleted, Kafka says so, and then it is lost.
        return Stand(mark.epoch, 0, "sure"), 0
    if hint:
        return Stand(mark.epoch, mark.sequence, "sought"), hint - 1
    return Stand(mark.epoch, mark.sequence, "lost"), 0
