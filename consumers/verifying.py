"""Whether the views hold what the store does: each partition by its sequence and its digest.

A checkpoint says how many events of a partition a view took over, and the sum of their ids. The
same two numbers are computed anew from the store, which must itself be dense.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Engine

from projections import checkpoints, generations
from projections.checkpoints import DIGEST_MODULUS, Checkpoint
from projections.connecting import transaction
from store.history import History

STEP_EVENTS_MAX = 20_000
"""How many events one statement looks at; then progress is told."""

Progress = Callable[[int, int], None]
"""Told (done, in all), every few thousand events."""

Kind = Literal[
    "missing", "doubled", "unknown", "other-event", "other-digest", "other-epoch", "foreign"
]


@dataclass(frozen=True, slots=True)
class Difference:
    """Where a partition first differs: the sequences from `first` to `last`, both included.

    A checkpoint has no ids of single events, so of `other-digest` only the range is known in which
    events differ. `unknown` are events that the store does not hold; `foreign` stands where the
    next event should be.
    """

    partition: int
    kind: Kind
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Verified:
    """The store, a view's generation or a topic: how many events it has, how many it lacks at its
    end (to be behind is no difference), and the first difference of each partition, in order."""

    name: str
    events: int
    behind: int
    differences: tuple[Difference, ...]


def verify_views(engine: Engine, history: History, progress: Progress) -> list[Verified]:
    """The store itself, then each generation that readers read or that may be switched to.

    Raises Unavailable where one of the databases does not answer.
    """
    # Before the heads: what a view takes over meanwhile must not look like more than the store has.
    claims = _claims(engine)
    heads = history.heads()
    stands = {(p, at.sequence) for of in claims.values() for p, at in of.items()}
    sums = {p: _Sum(p, head, {of for q, of in stands if p == q}) for p, (head, _) in heads.items()}
    total = sum(head for head, _ in heads.values())
    last = max(position for _, position in heads.values())
    read, position = 0, 0
    while position < last and (places := history.places(position, STEP_EVENTS_MAX)):
        for _, partition, sequence, event_id in places:
            sums[partition].add(sequence, event_id)
        position = places[-1][0]
        read += len(places)
        progress(min(read, total), total)
    progress(total, total)
    gaps = tuple(one.gap for one in sums.values() if one.gap is not None)
    epoch = history.info.epoch
    return [
        Verified("store", total, 0, gaps),
        *(_verified(name, of, sums, epoch) for name, of in claims.items()),
    ]


class _Sum:
    """One partition of the store, added up: its digest at each of `stands`, and its first gap."""

    def __init__(self, partition: int, head: int, stands: Collection[int]) -> None:
        self._partition = partition
        self._stands = stands
        self._at = 0
        self._digest = 0
        self.head = head
        self.gap: Difference | None = None
        self.digests = {0: 0}

    def add(self, sequence: int, event_id: bytes) -> None:
        """The partition's next event; those behind the head came meanwhile."""
        if sequence > self.head:
            return
        if sequence != self._at + 1:
            self._skip(sequence)
        self._at = sequence
        self._digest += int.from_bytes(event_id, "big")
        if sequence in self._stands:
            self.digests[sequence] = self._digest % DIGEST_MODULUS

    def _skip(self, sequence: int) -> None:
        """What is missing in front of this one adds nothing to the digests that end there."""
        if self.gap is None:
            self.gap = Difference(self._partition, "missing", self._at + 1, sequence - 1)
        for missing in (at for at in self._stands if self._at < at < sequence):
            self.digests[missing] = self._digest % DIGEST_MODULUS


def _claims(engine: Engine) -> dict[str, dict[int, Checkpoint]]:
    """Generation, such as `profile g1` -> partition -> where it says it stands."""
    with transaction(engine) as connection:
        return {
            f"{one.view} g{one.generation}": checkpoints.read(connection, one.view, one.generation)
            for one in generations.listed(connection)
            if one.state in {"active", "ready"}
        }


def _verified(
    name: str,
    stands: Mapping[int, Checkpoint],
    sums: Mapping[int, _Sum],
    epoch: int,
) -> Verified:
    differences: list[Difference] = []
    behind = 0
    for partition, at in sorted(stands.items()):
        head = sums[partition].head
        behind += max(0, head - at.sequence)
        if at.epoch != epoch:
            differences.append(Difference(partition, "other-epoch", 1, max(1, at.sequence)))
        elif at.sequence > head:
            differences.append(Difference(partition, "unknown", head + 1, at.sequence))
        elif at.digest != sums[partition].digests[at.sequence]:
            differences.append(Difference(partition, "other-digest", 1, at.sequence))
    events = sum(at.sequence for at in stands.values())
    return Verified(name, events, behind, tuple(differences))
