"""Reading a view: its rows, and how fresh they are.

Checkpoints are read before the rows, so that an answer is never older than it says.
"""

import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, TypeVar

from sqlalchemy import Connection, Engine

from projections import checkpoints, holding
from projections.connecting import transaction
from projections.freshness import freshness
from projections.reading import Reader
from projections.view import View
from schemas.partitioning import partition_of
from schemas.receipts import Token
from store.history import History

HEADS_SECONDS = 1.0
"""How old the store's heads may be that an answer is called fresh against."""
STOPPED_SECONDS = 10.0
"""A view with events to take over that has moved nothing for so long stands still."""

State = Literal["fresh", "pending", "rebuilding", "held", "stopped"]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """How far the partitions that were read had come, and who of the subjects is held."""

    view: str
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


@dataclass(frozen=True, slots=True)
class _Backlog:
    """What a view has still to take over: partition -> since when; and whether it stands still."""

    since: Mapping[int, datetime]
    stopped: bool


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
            snapshot = Snapshot(view.name, sequences, frozenset(held))
            return query(connection, generation), snapshot

        return self._reader.read(view.name, snapshot_then_rows)

    def reached(self) -> dict[str, dict[int, int]]:
        """How far every view has read: what waiters look at."""
        with transaction(self._engine) as connection:
            return checkpoints.reached(connection)

    def heard(self, token: Token) -> None:
        """A receipt tells of events that the heads seen a moment ago do not have yet. (One that was
        made up does no harm: behind its events the store has none to wait for.)"""
        with self._lock:
            taken, heads = self._heads
            told = {p: max(s, heads.get(p, 0)) for p, s in token.sequences.items()}
            self._heads = taken, {**heads, **told}

    def look_again(self) -> None:
        """Judge the next snapshot against the heads of now."""
        with self._lock:
            self._heads = float("-inf"), self._heads[1]

    def partitions(self, subjects: Collection[str]) -> set[int]:
        """The partitions that hold these subjects."""
        return {partition_of(subject, self._history.info.partitions) for subject in subjects}

    def freshness(self, snapshot: Snapshot) -> Freshness:
        """How fresh a snapshot is against heads at most a second old."""
        return _judged(snapshot, self._backlog(snapshot))

    def freshness_of_each(self, snapshot: Snapshot, subjects: Sequence[str]) -> list[Freshness]:
        """How fresh a snapshot of many subjects is for each of them; asks the store once."""
        backlog = self._backlog(snapshot)
        return [_judged(self._of_subject(snapshot, subject), backlog) for subject in subjects]

    def _of_subject(self, snapshot: Snapshot, subject: str) -> Snapshot:
        own = self.partitions([subject])
        sequences = {p: s for p, s in snapshot.sequences.items() if p in own}
        return Snapshot(snapshot.view, sequences, snapshot.held & {subject})

    def _backlog(self, snapshot: Snapshot) -> _Backlog:
        heads = self._recent_heads()
        behind = {p: s for p, s in snapshot.sequences.items() if s < heads.get(p, 0)}
        since = self._history.waiting_since(behind) if behind else {}
        overdue = any(_age(moment) > STOPPED_SECONDS for moment in since.values())
        return _Backlog(since, overdue and self._stands_still(snapshot.view))

    def _stands_still(self, view: str) -> bool:
        """Events also wait long while a big import is being taken over; then the view moves."""
        moved = self._reader.read(view, lambda c, g: freshness(c, view, g).updated_at)
        return moved is None or _age(moved) > STOPPED_SECONDS

    def _recent_heads(self) -> Mapping[int, int]:
        with self._lock:
            taken, heads = self._heads
            if time.monotonic() - taken > HEADS_SECONDS:
                now = time.monotonic()
                heads = {p: sequence for p, (sequence, _) in self._history.heads().items()}
                self._heads = (now, heads)
            return heads


def _judged(snapshot: Snapshot, backlog: _Backlog) -> Freshness:
    waiting = [backlog.since[p] for p in snapshot.sequences if p in backlog.since]
    lag = max(map(_age, waiting), default=0.0)
    state: State = "pending" if waiting else "fresh"
    if backlog.stopped and lag > STOPPED_SECONDS:
        state = "stopped"
    if snapshot.held:
        state = "held"
    return Freshness(state, snapshot.sequences, lag)


def _age(moment: datetime) -> float:
    # Never below zero: the database's clock may be ahead of ours.
    return max(datetime.now(UTC) - moment, timedelta()).total_seconds()
