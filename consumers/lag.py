"""How far every view is behind the store, and whether anything stands still: one look for
readiness, metrics and status, whoever projects and wherever.

It looks at what is committed, not at what threads say of themselves, so it sees a projector that
died in another process as well as one that hangs in this one.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, Engine, text

from consumers.databases import asking
from consumers.health import ProjectorHealth, State
from projections.connecting import transaction
from projections.view import View
from schemas.errors import Unavailable
from store.history import History

STANDS_STILL_SECONDS = 8.0
"""A partition whose events wait so long, and whose checkpoint has not moved for so long, stands
still; looked at every second or two it is told within ten seconds."""

_STANDS = text(
    "SELECT g.view, g.generation, g.state, g.fold_version, c.partition, c.epoch, c.sequence, "
    "CAST(extract(epoch FROM clock_timestamp() - c.updated_at) AS float8) AS unmoved_seconds "
    "FROM generations g JOIN checkpoints c USING (view, generation) "
    "ORDER BY g.view, g.generation, c.partition"
)
_HELD = text(
    "SELECT view, generation, count(*) AS subjects FROM held_subjects GROUP BY view, generation"
)


@dataclass(frozen=True, slots=True)
class PartitionLag:
    """One partition of one generation. `lag_seconds` is the age of the oldest event that waits;
    `unmoved_seconds` how long ago the checkpoint moved. `ahead` says that the store has fewer
    events than the view took over: a backup was put back."""

    partition: int
    sequence: int
    lag_events: int
    lag_seconds: float
    unmoved_seconds: float
    ahead: bool

    @property
    def stands_still(self) -> bool:
        """True where events wait and nobody takes them over."""
        return min(self.lag_seconds, self.unmoved_seconds) > STANDS_STILL_SECONDS


@dataclass(frozen=True, slots=True)
class ViewLag:
    """One generation of a view. `reason` says why it is stopped, as a code; rate and ETA are None
    where no projector of this process runs it, or nothing moves."""

    view: str
    generation: int
    role: str
    state: State
    reason: str | None
    advice: str | None
    partitions: tuple[PartitionLag, ...]
    held_subjects: int
    events_per_second: float | None
    eta_seconds: float | None

    @property
    def events(self) -> int:
        """How many events were taken over."""
        return sum(p.sequence for p in self.partitions)

    @property
    def lag_events(self) -> int:
        """How many events wait."""
        return sum(p.lag_events for p in self.partitions)

    @property
    def lag_seconds(self) -> float:
        """The age of the oldest event that waits, in seconds; 0 where none does."""
        return max((p.lag_seconds for p in self.partitions), default=0.0)


@dataclass(frozen=True, slots=True)
class _Found:
    """A generation as the views database has it; `stands` maps each partition to its epoch, its
    sequence, and the seconds since it moved."""

    view: str
    generation: int
    role: str
    fold_version: int
    stands: dict[int, tuple[int, int, float]]


def measure(
    engine: Engine,
    history: History,
    views: Sequence[View],
    healths: Iterable[ProjectorHealth] = (),
) -> list[ViewLag]:
    """Every generation of these views; `healths` are this process's projectors, if it has any.

    Raises Unavailable where one of the databases does not answer.
    """
    versions = {view.name: view.version for view in views}
    with transaction(engine) as connection:
        # Before the heads: a head that is seen later makes a lag too large, never too small.
        found = _found(connection)
        held = {(row.view, row.generation): row.subjects for row in connection.execute(_HELD)}
    with asking("store"):
        heads = {p: sequence for p, (sequence, _) in history.heads().items()}
    own = {(health.view, health.generation): health for health in healths}
    lags = []
    for one in found:
        if one.view in versions:
            key = one.view, one.generation
            partitions = _partitions(one, heads, history)
            stopped = _stopped(one, versions[one.view], history.info.epoch, partitions)
            lags.append(_lag(one, own.get(key), held.get(key, 0), partitions, stopped))
    return lags


def faults(lags: Sequence[ViewLag], views: Iterable[View]) -> dict[str, str]:
    """What keeps a process from being ready: view -> why; empty when all is well.

    Only generations that readers read count. A hold is no fault: its answers say so themselves.
    """
    active = {lag.view: lag for lag in lags if lag.role == "active"}
    found = {}
    for view in views:
        lag = active.get(view.name)
        if lag is None:
            found[view.name] = "has no generation yet"
        elif lag.state == "stopped":
            found[view.name] = lag.reason or "stopped"
        elif still := [p.partition for p in lag.partitions if p.stands_still]:
            found[view.name] = f"stands still in partitions {still}"
    return found


def readiness(
    engine: Engine,
    history: History,
    views: Sequence[View],
    healths: Iterable[ProjectorHealth] = (),
) -> dict[str, str]:
    """`faults`, with a database that does not answer as one of them."""
    try:
        return faults(measure(engine, history, views, healths), views)
    except Unavailable as fault:
        return {"databases": fault.reason}


def _found(connection: Connection) -> list[_Found]:
    found: dict[tuple[str, int], _Found] = {}
    for row in connection.execute(_STANDS):
        one = found.setdefault(
            (row.view, row.generation),
            _Found(row.view, row.generation, row.state, row.fold_version, {}),
        )
        one.stands[row.partition] = row.epoch, row.sequence, row.unmoved_seconds
    return list(found.values())


def _partitions(
    one: _Found, heads: Mapping[int, int], history: History
) -> tuple[PartitionLag, ...]:
    behind = {p: at[1] for p, at in one.stands.items() if at[1] < heads.get(p, 0)}
    with asking("store"):
        since = history.waiting_since(behind) if behind else {}
    now = datetime.now(UTC)
    return tuple(
        PartitionLag(
            partition=p,
            sequence=sequence,
            lag_events=max(0, heads.get(p, 0) - sequence),
            lag_seconds=max(0.0, (now - since[p]).total_seconds()) if p in since else 0.0,
            unmoved_seconds=unmoved,
            ahead=sequence > heads.get(p, 0),
        )
        for p, (_, sequence, unmoved) in one.stands.items()
    )


def _stopped(
    one: _Found, version: int, epoch: int, partitions: tuple[PartitionLag, ...]
) -> str | None:
    """Why nobody can bring this generation up, whatever its projector says."""
    if one.fold_version != version:
        return "other-fold"
    if any(at[0] != epoch for at in one.stands.values()):
        return "other-epoch"
    if any(p.ahead for p in partitions):
        return "ahead"
    if any(p.stands_still for p in partitions):
        return "retired" if one.role == "retired" else "stands-still"
    return None


def _lag(
    one: _Found,
    own: ProjectorHealth | None,
    held: int,
    partitions: tuple[PartitionLag, ...],
    stopped: str | None,
) -> ViewLag:
    waiting = sum(p.lag_events for p in partitions)
    rate = own.events_per_second if own else None
    if own is not None and own.paused and stopped == "stands-still":
        stopped = None  # somebody asked it to: readiness says so all the same
    if own is not None and own.state == "stopped":
        stopped = own.reason
    state: State = "held" if held else "pending" if waiting else "fresh"
    if one.role in {"building", "ready"}:
        state = "rebuilding"
    return ViewLag(
        view=one.view,
        generation=one.generation,
        role=one.role,
        state="stopped" if stopped else state,
        reason=stopped,
        advice=own.advice if own else None,
        partitions=partitions,
        held_subjects=held,
        events_per_second=rate,
        eta_seconds=waiting / rate if rate else None,
    )
