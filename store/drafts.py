"""What a command hands to the appender: events whose values are open and whose subject is a name
that a channel knows somebody by."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from schemas.envelope import When
from schemas.event import EventData
from schemas.identifiers import Identifier

Who = Identifier | str
"""Whose event it is: an identifier, a subject `s_…`, or `@kind:code` for what is no person's."""


@dataclass(frozen=True, slots=True)
class Draft:
    """One event to append.

    `content` is what its fingerprint covers: the canonical bytes of what was sent. `stream` is the
    stream's name behind the subject, such as `touchpoint/<id>`. `expected` is the version that the
    stream must have before the append, 0 for none; None appends whatever the version (a touchpoint
    collides by id).
    """

    event_id: UUID
    data: EventData
    content: bytes
    who: Who
    stream: str
    when: When
    source: str
    actor: str
    points: Mapping[str, Identifier] = field(default_factory=dict)
    expected: int | None = None
    correlation_id: UUID | None = None
    causation_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Append:
    """All of the drafts, or none. `expects` names whole streams that were read and must not move.

    `command_id` marks the events of one command: they share its fingerprint, since which events a
    command gives depends on the state it met.
    """

    drafts: tuple[Draft, ...]
    expects: tuple[tuple[str, int], ...] = ()
    command_id: UUID | None = None


def who_text(who: Who) -> str:
    """The name by which one process knows who is meant."""
    return who if isinstance(who, str) else who.text
