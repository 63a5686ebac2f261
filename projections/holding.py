"""Subjects that a view waits for: one event could not be folded, so the later ones must wait too.

Only that subject waits, in order; nothing is skipped and everybody else moves on.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import astuple, dataclass, fields, replace
from uuid import UUID

from sqlalchemy import Connection, text

from projections.change import Change
from projections.view import ERASED, Unfoldable
from schemas.envelope import Event


@dataclass(frozen=True, slots=True)
class Hold:
    """One held subject: the event it waits at, why, and how many events wait, that one included."""

    partition: int
    subject: str
    since_sequence: int
    since_position: int
    event_id: UUID
    cause: str
    events: int


def fold(
    change: Change,
    events: Iterable[Event],
    held: Mapping[str, Hold] | None = None,
    refused: Collection[UUID] = (),
) -> dict[str, Hold]:
    """Apply events to a change, leaving out those of held subjects; the holds that are new or grew.

    A held subject is erased at once all the same, and again in its order when the hold is retried.
    `refused` are events whose rows the database does not take; they hold their subjects too.
    """
    waiting = dict(held or {})
    grown: dict[str, Hold] = {}
    for event in events:
        hold = waiting.get(event.subject) if waiting else None
        try:
            if hold is None or event.type == ERASED:
                if event.event_id in refused:
                    raise Unfoldable(event, "unstorable")
                change.apply(event)
        except Unfoldable as fault:
            hold = hold or _hold(event, fault)
            if event.type == ERASED:
                # What cannot even be erased must not stay; a later retry brings back what may.
                change.forget(event.subject)
        if hold is not None:
            hold = replace(hold, events=hold.events + 1)
            waiting[event.subject] = grown[event.subject] = hold
    return grown


def _hold(event: Event, fault: Unfoldable) -> Hold:
    return Hold(
        partition=event.partition,
        subject=event.subject,
        since_sequence=event.sequence,
        since_position=event.position,
        event_id=event.event_id,
        cause=fault.cause,
        events=0,
    )


_NAMES = [field.name for field in fields(Hold)]
_READ = f"SELECT {', '.join(_NAMES)} FROM held_subjects "
_OF = "WHERE view = :view AND generation = :generation "
_WRITE = text(
    f"INSERT INTO held_subjects (view, generation, {', '.join(_NAMES)}) "
    f"VALUES (:view, :generation, {', '.join(f':{name}' for name in _NAMES)}) "
    "ON CONFLICT (view, generation, subject) DO UPDATE SET events = excluded.events"
)


def among(
    connection: Connection, view: str, generation: int, subjects: Iterable[str]
) -> dict[str, Hold]:
    """Which of these subjects are held."""
    rows = connection.execute(
        text(_READ + _OF + "AND subject = ANY(:subjects)"),
        {"view": view, "generation": generation, "subjects": list(subjects)},
    )
    return {row.subject: Hold(*row) for row in rows}


def read(connection: Connection, view: str, generation: int) -> list[Hold]:
    """Everybody who is held, the longest first."""
    where = {"view": view, "generation": generation}
    return [
        Hold(*row)
        for row in connection.execute(text(_READ + _OF + "ORDER BY since_position"), where)
    ]


def write(connection: Connection, view: str, generation: int, holds: Iterable[Hold]) -> None:
    """Write holds that are new or grew."""
    where = {"view": view, "generation": generation}
    if rows := [where | dict(zip(_NAMES, astuple(hold), strict=True)) for hold in holds]:
        connection.execute(_WRITE, rows)


def release(connection: Connection, view: str, generation: int, subject: str) -> None:
    """Forget that a subject was held."""
    connection.execute(
        text("DELETE FROM held_subjects " + _OF + "AND subject = :subject"),
        {"view": view, "generation": generation, "subject": subject},
    )
