"""What a program that is to be killed is told: where it works and dies, and what it leaves out."""

from dataclasses import dataclass
from typing import Literal

PARTITIONS = 4

Place = Literal[
    "append.before",  # decided and sealed, nothing written
    "append.between",  # only where rows are written one by one: the first one is
    "append.inside",  # written, not committed
    "append.after",  # committed, nobody answered
    "project.polled",  # a batch in hand, nothing folded
    "project.inside",  # rows and checkpoint written, not committed
    "project.apart",  # only where the checkpoint is written apart: rows committed, it is not
    "project.after",  # committed, the loop does not know yet
]


@dataclass(frozen=True, slots=True)
class Orders:
    """Given to a program when it begins. At `place`, when it comes by for the `nth` time, it `dies`
    by SIGKILL or `stops` by SIGSTOP.

    The guards that can be left out: `guarded` is the checkpoint's compare-and-set, `owned` the
    locks on partitions, `whole` one transaction for all rows of a request, `together` one
    transaction for rows and checkpoint.
    """

    store: str
    views: str
    ring: str
    door: bool = True
    projects: tuple[str, ...] = ("profile", "timeline")
    place: Place | None = None
    nth: int = 1
    then: Literal["dies", "stops"] = "dies"
    guarded: bool = True
    owned: bool = True
    whole: bool = True
    together: bool = True
