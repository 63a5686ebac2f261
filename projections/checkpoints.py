"""How far a view's generation has come in each partition."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection, Row, text

from schemas.envelope import Event
from schemas.errors import BackboneError, Broken

DIGEST_MODULUS = 1 << 128


class LostPartition(BackboneError):
    """Somebody else moved the checkpoint: nothing was written; let go, and read it anew."""

    code = "lost-partition"


class Gap(Broken):
    """A partition's sequence jumps: events are missing between the feed and the view."""

    code = "gap"


class OtherFold(Broken):
    """The generation was made with another version of the fold; its rows would be mixed."""

    code = "other-fold"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Where one partition stands. Its sequence is also the count of events taken over.

    `digest` is the sum of their ids as 128-bit numbers, modulo 2^128; `revision` counts changes
    that do not move the checkpoint; `hint` is where the feed left off, in the feed's own terms.
    """

    partition: int
    epoch: int
    position: int = 0
    sequence: int = 0
    digest: int = 0
    revision: int = 0
    hint: str | None = None


class Progress:
    """Follows one partition event by event, from where its checkpoint stands."""

    __slots__ = ("_digest", "_from", "_position", "_sequence")

    def __init__(self, known: Checkpoint) -> None:
        self._from = known
        self._position = known.position
        self._sequence = known.sequence
        self._digest = known.digest

    def takes(self, event: Event) -> bool:
        """Whether the event is new; False at or below the checkpoint. Raises Gap for a jump."""
        if event.sequence <= self._sequence:
            return False
        if event.sequence != self._sequence + 1:
            raise Gap(
                f"partition {event.partition} jumps in its sequence",
                partition=event.partition,
                expected=self._sequence + 1,
                found=event.sequence,
            )
        self._sequence = event.sequence
        self._position = event.position
        self._digest += event.event_id.int
        return True

    def checkpoint(self) -> Checkpoint:
        """Where the partition stands behind the events taken so far."""
        return replace(
            self._from,
            position=self._position,
            sequence=self._sequence,
            digest=self._digest % DIGEST_MODULUS,
        )


def advance(
    batch: Iterable[Event],
    expected: Mapping[int, Checkpoint],
    hints: Mapping[int, str] | None = None,
) -> tuple[list[Event], dict[int, Checkpoint]]:
    """The events of the batch that are new, and the checkpoints behind them; only those that move.

    Raises Gap where a sequence jumps, LostPartition for a partition that is not in `expected`.
    """
    new: list[Event] = []
    following = {partition: Progress(known) for partition, known in expected.items()}
    for event in batch:
        progress = following.get(event.partition)
        if progress is None:
            raise LostPartition(f"partition {event.partition} is not held here")
        if progress.takes(event):
            new.append(event)
    moved = {}
    for partition, known in expected.items():
        behind = following[partition].checkpoint()
        if hints and partition in hints:
            behind = replace(behind, hint=hints[partition])
        if behind != known:
            moved[partition] = behind
    return new, moved


_COLUMNS = "c.partition, c.epoch, c.position, c.sequence, c.digest, c.revision, c.hint"
_READ = text(
    f"SELECT {_COLUMNS} FROM checkpoints c WHERE c.view = :view AND c.generation = :generation"
)
_REACHED = text(
    "SELECT p.view, c.partition, c.sequence FROM pointers p JOIN checkpoints c "
    "USING (view, generation)"
)
# In order of partition: two writers that meet in several of them must not deadlock.
_LOCK = text(
    f"SELECT {_COLUMNS}, g.fold_version FROM checkpoints c JOIN generations g "
    "USING (view, generation) WHERE c.view = :view AND c.generation = :generation "
    "AND c.partition = ANY(:partitions) ORDER BY c.partition FOR UPDATE OF c"
)
_MOVE = text(
    "UPDATE checkpoints c SET position = n.position, sequence = n.sequence, digest = n.digest, "
    "revision = n.revision, hint = n.hint, updated_at = now() FROM unnest("
    "CAST(:partitions AS integer[]), CAST(:positions AS bigint[]), CAST(:sequences AS bigint[]), "
    "CAST(:digests AS numeric[]), CAST(:revisions AS bigint[]), CAST(:hints AS text[])) "
    "AS n(partition, position, sequence, digest, revision, hint) "
    "WHERE c.view = :view AND c.generation = :generation AND c.partition = n.partition"
)


def read(connection: Connection, view: str, generation: int) -> dict[int, Checkpoint]:
    """Every partition's checkpoint. Read them before the rows or with them, never after."""
    rows = connection.execute(_READ, {"view": view, "generation": generation})
    return {row.partition: _checkpoint(row) for row in rows}


def reached(connection: Connection) -> dict[str, dict[int, int]]:
    """How far readers may count on each view: view -> partition -> its active generation's
    sequence."""
    stands: dict[str, dict[int, int]] = {}
    for view, partition, sequence in connection.execute(_REACHED):
        stands.setdefault(view, {})[partition] = sequence
    return stands


def lock(
    connection: Connection, view: str, generation: int, partitions: Sequence[int], fold_version: int
) -> dict[int, Checkpoint]:
    """The checkpoints of these partitions, locked until the transaction ends.

    Raises OtherFold; a generation that was dropped has none, so the answer may hold fewer.
    """
    where = {"view": view, "generation": generation, "partitions": list(partitions)}
    rows = connection.execute(_LOCK, where).all()
    for row in rows:
        if row.fold_version != fold_version:
            raise OtherFold(
                f"generation {generation} of {view} was made with fold version "
                f"{row.fold_version}, and this release has version {fold_version}: rebuild it"
            )
    return {row.partition: _checkpoint(row) for row in rows}


def move(
    connection: Connection, view: str, generation: int, checkpoints: Iterable[Checkpoint]
) -> None:
    """Write where these partitions stand now."""
    new = list(checkpoints)
    values = {
        "view": view,
        "generation": generation,
        "partitions": [c.partition for c in new],
        "positions": [c.position for c in new],
        "sequences": [c.sequence for c in new],
        "digests": [str(c.digest) for c in new],
        "revisions": [c.revision for c in new],
        "hints": [c.hint for c in new],
    }
    connection.execute(_MOVE, values)


def _checkpoint(row: "Row[tuple[object, ...]]") -> Checkpoint:
    return Checkpoint(
        partition=row.partition,
        epoch=row.epoch,
        position=row.position,
        sequence=row.sequence,
        digest=int(row.digest),
        revision=row.revision,
        hint=row.hint,
    )
