"""Subjects that a view waits for: who, since which event, and trying them again.

Nothing here shows a value of an event: ids, types, sequences and codes only.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Engine

from consumers.databases import asking
from projections import generations, holding
from projections.connecting import transaction
from projections.holding import Hold
from projections.view import View
from projections.writer import Writer
from schemas.errors import NotFound, Unavailable
from schemas.partitioning import partition_of
from store.history import History

RETRIES_MAX = 20
"""How often a retry reads the history again because the projector moved on meanwhile."""


@dataclass(frozen=True, slots=True)
class Held:
    """One held subject of one generation of a view."""

    view: str
    generation: int
    hold: Hold


@dataclass(frozen=True, slots=True)
class WaitingEvent:
    """An event that waits behind a hold; the first one has the `cause`: why it was not folded."""

    event_id: UUID
    type: str
    sequence: int
    cause: str | None


def listed(engine: Engine, view: str | None = None) -> list[Held]:
    """Who is held, of one view or of all, in every generation; the longest held first."""
    with transaction(engine) as connection:
        return [
            Held(known.view, known.generation, hold)
            for known in generations.listed(connection, view)
            for hold in holding.read(connection, known.view, known.generation)
        ]


def waiting_events(history: History, held: Held) -> list[WaitingEvent]:
    """The events of a held subject that wait, in order."""
    with asking("store"):
        events = history.of_subject(held.hold.subject)
    return [
        WaitingEvent(
            event.event_id,
            event.type,
            event.sequence,
            held.hold.cause if event.event_id == held.hold.event_id else None,
        )
        for event in events
        if event.sequence >= held.hold.since_sequence
    ]


def retry(
    engine: Engine, history: History, view: View, subject: str, generation: int | None = None
) -> Hold | None:
    """Fold a subject anew from its history, up to where the view stands; also mends its rows.

    The projector may run meanwhile: one of the two comes again. Works on the active generation
    unless told otherwise. Returns None when nothing is held any more, or the hold that is left.
    Raises NotFound for a view without generation, Unavailable where a database does not answer or
    the view moves too fast, LostPartition for a view of another epoch, OtherFold for a generation
    that this release cannot fold.
    """
    if generation is None:
        generation = _active(engine, view)
    partition = partition_of(subject, history.info.partitions)
    writer = Writer(engine, view, generation)
    for last in (n == RETRIES_MAX for n in range(1, RETRIES_MAX + 1)):
        with asking("store"):
            # The head first: whatever comes after it is not below the history's end.
            read_to = history.heads()[partition][0]
            events = history.of_subject(subject)
        try:
            writer.repair(subject, partition, events, epoch=history.info.epoch, read_to=read_to)
            break
        except Unavailable:
            if last:
                raise
    return _hold(engine, view, generation, subject)


def retry_all(engine: Engine, history: History, views: Iterable[View]) -> dict[str, list[Hold]]:
    """Retry everybody who is held in the active generations: view -> the holds that are left."""
    left: dict[str, list[Hold]] = {}
    for view in views:
        active = _active(engine, view)
        for held in listed(engine, view.name):
            if held.generation == active:
                hold = retry(engine, history, view, held.hold.subject, active)
                left.setdefault(view.name, []).extend([hold] if hold else [])
    return left


def _active(engine: Engine, view: View) -> int:
    with transaction(engine) as connection:
        found = generations.active(connection, view.name)
    if found is None:
        raise NotFound(f"{view.name} has no generation yet")
    return found


def _hold(engine: Engine, view: View, generation: int, subject: str) -> Hold | None:
    with transaction(engine) as connection:
        return holding.among(connection, view.name, generation, [subject]).get(subject)
