"""How far a generation of a view is, against the heads of the store.

Read it before the rows or in their transaction, never after: rows may be newer than what an answer
says of them, never older.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from projections import checkpoints
from schemas.errors import OtherEpoch
from schemas.receipts import Token


@dataclass(frozen=True, slots=True)
class Freshness:
    """Where one generation stands. Lags are in events, per partition; 0 where it is at the head.

    Held events count as taken over, so they are no lag; they are counted apart. `epochs` has one
    member, except between a restore of the store and the repair of the view.
    """

    view: str
    generation: int
    epochs: frozenset[int]
    sequences: Mapping[int, int]
    lags: Mapping[int, int]
    held_subjects: int
    held_events: int
    updated_at: datetime | None

    @property
    def lag_events(self) -> int:
        """Events of all partitions that the store has and the view has not taken over."""
        return sum(self.lags.values())

    def reached(self, token: Token) -> bool:
        """Whether everything that the token stands for is in the view.

        Raises OtherEpoch for a token from before a restore of the store.
        """
        if self.epochs and self.epochs != {token.epoch}:
            raise OtherEpoch("the token is from another epoch of the store")
        return all(self.sequences.get(p, 0) >= s for p, s in token.sequences.items())


_HELD = text(
    "SELECT count(*), coalesce(sum(events), 0), "
    "(SELECT max(updated_at) FROM checkpoints WHERE view = :view AND generation = :generation) "
    "FROM held_subjects WHERE view = :view AND generation = :generation"
)


def freshness(
    connection: Connection, view: str, generation: int, heads: Mapping[int, int] | None = None
) -> Freshness:
    """Where the generation stands; `heads` are the store's last sequences per partition, seen
    before. Without them every lag is left out.
    """
    stands = checkpoints.read(connection, view, generation)
    where = {"view": view, "generation": generation}
    subjects, events, updated_at = connection.execute(_HELD, where).one()
    sequences = {partition: known.sequence for partition, known in stands.items()}
    return Freshness(
        view=view,
        generation=generation,
        epochs=frozenset(known.epoch for known in stands.values()),
        sequences=sequences,
        lags={p: max(0, head - sequences.get(p, 0)) for p, head in (heads or {}).items()},
        held_subjects=subjects,
        held_events=int(events),
        updated_at=updated_at,
    )
