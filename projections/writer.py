"""Takes events over into one generation of a view: rows, totals and checkpoint in one transaction.

The checkpoint is the guard. Redelivered events change nothing, and neither does a worker that lost
its partition and was handed records all the same: its first statement finds the checkpoint moved.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from operator import attrgetter
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Engine, text

from projections import checkpoints, generations, holding
from projections.change import Change
from projections.checkpoints import Checkpoint, LostPartition, advance
from projections.connecting import Cursor, Unstorable, cursor_of, transaction
from projections.copying import target
from projections.tables import of_generation
from projections.view import ERASED, Key, Kind, View
from schemas.envelope import Event
from schemas.errors import Unavailable

CHANNEL = "views_moved"
"""NOTIFY on this channel, with the view's name, wakes readers that wait for a view to move."""


_subject = attrgetter("subject")


def _nothing() -> None:
    pass


class Writer:
    """The writing end of one generation of a view.

    `before_commit` is a place to crash in tests; `guarded` is False only where a test shows what
    the guard prevents.
    """

    def __init__(
        self,
        engine: Engine,
        view: View,
        generation: int,
        *,
        before_commit: Callable[[], None] = _nothing,
        guarded: bool = True,
    ) -> None:
        self.view = view
        self.generation = generation
        self._engine = engine
        self._before_commit = before_commit
        self._guarded = guarded

    def apply(
        self,
        batch: Sequence[Event],
        expected: Mapping[int, Checkpoint],
        hints: Mapping[int, str] | None = None,
    ) -> dict[int, Checkpoint]:
        """Take a batch over: events in order of sequence, of the partitions in `expected` alone.

        Returns all expected checkpoints as they stand now. Raises LostPartition where one of those
        that would move is not as expected, Gap, OtherFold, Retired, Unavailable; then nothing is
        written.
        A subject with an event that cannot be folded or stored is held, and no other.
        """
        events, moved = advance(batch, expected, hints)
        if not moved:
            return dict(expected)
        before = [expected[partition] for partition in moved]
        try:
            self._take_over(events, before, moved.values())
        except Unstorable:
            refused = self._unstorable(events, before)
            if not refused:
                raise
            self._take_over(events, before, moved.values(), refused)
        return {**expected, **moved}

    def repair(
        self, subject: str, partition: int, history: Iterable[Event], *, epoch: int, read_to: int
    ) -> Checkpoint:
        """Fold one subject anew from its history: retries a hold, mends rows, takes events back.

        `history` holds all its events in order, read after the partition's head in the store was
        seen at the sequence `read_to`. The checkpoint stays where it is and its revision grows, so
        that whoever owns the partition reads it anew. Where a fold fails again, the subject is held
        at that event. Raises Unavailable where the view has passed `read_to`: read history again;
        Unstorable where a row cannot be stored still, and the hold stays.
        """
        with transaction(self._engine) as connection:
            known = self._locked(connection, [partition]).get(partition)
            if known is None or known.epoch != epoch:
                raise LostPartition(f"partition {partition} has no checkpoint of this epoch")
            if known.sequence > read_to:
                raise Unavailable("the view has passed this history meanwhile")
            cursor = cursor_of(connection)
            before = {
                kind: self._target(kind).select_subjects(cursor, kind, [subject])
                for kind in self.view.kinds
            }
            change = Change(self.view, before)
            change.forget(subject)
            known = replace(known, revision=known.revision + 1)
            grown = holding.fold(change, (e for e in history if e.sequence <= known.sequence))
            write(cursor, change, self.generation)
            holding.release(connection, *self._where, subject)
            holding.write(connection, *self._where, grown.values())
            self._finish(connection, [known])
        return known

    def _take_over(
        self,
        events: Sequence[Event],
        before: Sequence[Checkpoint],
        after: Iterable[Checkpoint],
        refused: Collection[UUID] = (),
    ) -> None:
        with transaction(self._engine) as connection:
            self._claim(connection, before)
            if events:
                self._fold(connection, events, refused)
            self._finish(connection, after)

    def _fold(
        self, connection: Connection, events: Sequence[Event], refused: Collection[UUID] = ()
    ) -> None:
        held = holding.among(connection, *self._where, {event.subject for event in events})
        cursor = cursor_of(connection)
        change = Change(self.view, self._before(cursor, events))
        grown = holding.fold(change, events, held, refused)
        write(cursor, change, self.generation)
        holding.write(connection, *self._where, grown.values())

    def _unstorable(self, events: Sequence[Event], before: Sequence[Checkpoint]) -> set[UUID]:
        """Which events make rows that the database does not take: found by trying halves."""
        try:
            with transaction(self._engine) as connection:
                self._claim(connection, before)
                self._fold(connection, events)
                connection.rollback()
        except Unstorable:
            if len(events) == 1:
                return {events[0].event_id}
            middle = len(events) // 2
            halves = events[:middle], events[middle:]
            return set().union(*(self._unstorable(half, before) for half in halves))
        return set()

    @property
    def _where(self) -> tuple[str, int]:
        return self.view.name, self.generation

    def _target(self, kind: Kind[Any]) -> Any:
        return target(of_generation(kind.table, self.generation))

    def _locked(self, connection: Connection, partitions: Sequence[int]) -> dict[int, Checkpoint]:
        return checkpoints.lock(connection, *self._where, partitions, self.view.version)

    def _claim(self, connection: Connection, expected: Sequence[Checkpoint]) -> None:
        """The transaction's first statements: lock the checkpoints, compare them, and see that
        readers still want this generation."""
        if not self._guarded:
            return
        found = self._locked(connection, [checkpoint.partition for checkpoint in expected])
        for checkpoint in expected:
            if _identity(found.get(checkpoint.partition)) != _identity(checkpoint):
                raise LostPartition(f"partition {checkpoint.partition} was moved by another writer")
        generations.refuse_retired(connection, *self._where)

    def _before(self, cursor: Cursor, events: Sequence[Event]) -> dict[Kind[Any], list[Any]]:
        """The rows that these events can touch; keys that only one event touches have none yet."""
        erased = {event.subject for event in events if event.type == ERASED}
        before = {}
        for kind in self.view.kinds:
            rows = []
            if not kind.once:
                keys = {key for event in events for key in _keys(kind, event)}
                rows = self._target(kind).select(
                    cursor, kind, (key for key in keys if key[0] not in erased)
                )
            if erased:
                rows += self._target(kind).select_subjects(cursor, kind, erased)
            before[kind] = rows
        return before

    def _finish(self, connection: Connection, moved: Iterable[Checkpoint]) -> None:
        checkpoints.move(connection, *self._where, moved)
        connection.execute(
            text("SELECT pg_notify(:channel, :view)"), {"channel": CHANNEL, "view": self.view.name}
        )
        self._before_commit()


def write(cursor: Cursor, change: Change, generation: int) -> None:
    """Write what a change did to rows and totals into a generation's tables."""
    for rows in change.kinds:
        table = target(of_generation(rows.kind.table, generation))
        # By subject, so that neighbours in the indexes are written one after the other: a third of
        # the server's time.
        if made := sorted(rows.made(), key=_subject):
            table.copy(cursor, made)
        if altered := sorted(rows.altered(), key=_subject):
            table.upsert(cursor, altered)
        table.delete(cursor, rows.gone())
        for rollup in rows.kind.rollups:
            if totals := rows.totals(rollup):
                target(of_generation(rollup.table, generation)).add(cursor, totals)


def _identity(checkpoint: Checkpoint | None) -> tuple[int, int, int] | None:
    if checkpoint is None:
        return None
    return checkpoint.epoch, checkpoint.position, checkpoint.revision


def _keys(kind: Kind[Any], event: Event) -> Iterable[Key]:
    try:
        return list(kind.keys(event))
    except Exception:
        return ()  # the fold will fail the same way, and hold the subject
