"""Reading a view: its rows, and how fresh they are.

Checkpoints are read before the rows, so that an answer is never older than it says.
"""

import threading
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, TypeVar

from sqlalchemy import Connection, Engine

from projections import checkpoints, holding
from projections.connecting import transaction
from projections.reading import Reader
from projections.view import View
from schemas.partitioning import partition_of
from store.history import History

HEADS_SECONDS = 1.0
"""How old the store's heads may be that an answer is called fresh against."""
STOPPED_SECONDS = 10.0
"""An event that waits longer than this means that nobody folds."""

State = Literal["fresh", "pending", "rebuilding", "held", "stopped"]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """How far the partitions that were read had come, and who of the subjects is held."""

    sequences: Mapping[int, int]
    held: frozenset[str]


@dataclass(frozen=True, slots=True)
class Freshness:
    """How fresh an answer is. `lag_seconds` is the age of the oldest event not yet in it."""

    state: State
    sequences: Mapping[int, int]
    lag_seconds: float

    def body(self) -> dict[str, Any]:
        """As answers carry it."""
        sequences = {str(p): s for p, s in sorted(self.sequences.items())}
        lag = round(self.lag_seconds, 3)
        return {"state": self.state, "sequences": sequences, "lag_seconds": lag}


class ViewReader:
    """Reads views and tells how fresh they are; safe to share between threads."""

    def __init__(self, engine: Engine, history: History) -> None:
        self._engine = engine
        self._reader = Reader(engine)
        self._history = history
        self._lock = threading.Lock()
        self._heads: tuple[float, Mapping[int, int]] = (float("-inf"), {})

    def read(
        self,
        view: View,
        subjects: Collection[str] | None,
        query: Callable[[Connection, int], T],
    ) -> tuple[T, Snapshot]:
        """What `query(connection, generation)` gives, and the checkpoints from just before.

        `subjects` says whose partitions count; None for all of them.
        """

        def snapshot_then_rows(connection: Connection, generation: int) -> tuple[T, Snapshot]:
            reached = checkpoints.read(connection, view.name, generation)
            wanted = reached.keys() if subjects is None else self.partitions(subjects)
            sequences = {p: reached[p].sequence for p in wanted if p in reached}
            held = {
                hold.subject
                for hold in holding.read(connection, view.name, generation)
                if subjects is None or hold.subject in subjects
            }
            return query(connection, generation), Snapshot(sequences, frozenset(held))

        return self._reader.read(view.name, snapshot_then_rows)

    def reached(self) -> dict[str, dict[int, int]]:
        """How far every view has read: what waiters look at."""
        with transaction(self._engine) as connection:
            return checkpoints.reached(connection)

    def partitions(self, subjects: Collection[str]) -> set[int]:
        """The partitions that hold these subjects."""
        return {partition_of(subject, self._history.info.partitions) for subject in subjects}

    def of_subject(self, snapshot: Snapshot, subject: str) -> Snapshot:
        """What of a snapshot of many subjects concerns one."""
        own = self.partitions([subject])
        sequences = {p: s for p, s in snapshot.sequences.items() if p in own}
        return Snapshot(sequences, snapshot.held & {subject})

    def freshness(self, snapshot: Snapshot) -> Freshness:
        """How fresh a snapshot is against heads at most a second old."""
        heads = self._recent_heads()
        behind = {p: s for p, s in snapshot.sequences.items() if s < heads.get(p, 0)}
        lag = self._lag_seconds(behind) if behind else 0.0
        state: State = "pending" if behind else "fresh"
        if lag > STOPPED_SECONDS:
            state = "stopped"
        if snapshot.held:
            state = "held"
        return Freshness(state, snapshot.sequences, lag)

    def _lag_seconds(self, behind: Mapping[int, int]) -> float:
        since = self._history.waiting_since(behind)
        if not since:
            return 0.0
        return max(0.0, (datetime.now(UTC) - min(since.values())).total_seconds())

    def _recent_heads(self) -> Mapping[int, int]:
        with self._lock:
            taken, heads = self._heads
            if time.monotonic() - taken > HEADS_SECONDS:
                now = time.monotonic()
                heads = {p: sequence for p, (sequence, _) in self._history.heads().items()}
                self._heads = (now, heads)
            return heads
