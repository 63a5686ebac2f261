"""One way for every command: authorise, idempotency, resolve, load, decide, append, receipt.

A handler decides purely, from the stream's events and the command. Two equal commands cannot both
win by reloading, because the idempotency key is looked up before versions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol
from uuid import uuid4

from eventsourcing.persistence import EventStore

from commands.times import Clock, refuse_ahead, utc_now
from domain.access import Action, Principal, may
from schemas.canonical import canonical
from schemas.envelope import When
from schemas.errors import Forbidden, NotFound, StaleVersion
from schemas.event import EventData
from schemas.identifiers import Identifier
from schemas.receipts import Receipt
from schemas.references import Door
from store.appender import Appender
from store.drafts import Append, Draft
from store.ids import Ids
from store.mapper import Recorded
from store.recorder import Recorder
from store.repeats import Repeats
from store.subjects import Subjects

DECISIONS_MAX = 3
"""How often a command without a stated version is decided anew after somebody else wrote."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """What stands around a command.

    `content` is the command as it was sent, for its fingerprint. `key` is the caller's idempotency
    key; `version` the one that the stream must have (If-Match), None for whatever it has.
    """

    who: Identifier | str
    source: str
    when: When
    content: object
    key: str | None = None
    version: int | None = None


class Command(Protocol):
    """A frozen command with its decision."""

    ACTION: ClassVar[Action]
    STREAM: ClassVar[str]
    """The stream behind the subject that it decides on."""

    def decide(self, history: Sequence[EventData]) -> Sequence[EventData]:
        """The events that the command gives; empty when there is nothing to do."""


class Dispatcher:
    """Runs commands that decide; touchpoints need none of this."""

    def __init__(
        self,
        ids: Ids,
        recorder: Recorder,
        repeats: Repeats,
        subjects: Subjects,
        events: EventStore[str],
        appender: Appender,
        clock: Clock = utc_now,
    ) -> None:
        self._ids = ids
        self._recorder = recorder
        self._repeats = repeats
        self._subjects = subjects
        self._events = events
        self._appender = appender
        self._clock = clock

    def run(
        self, principal: Principal, command: Command, envelope: Envelope, door: Door | None = None
    ) -> Receipt:
        """The command's receipt; its first one, marked duplicate, when its key was seen before.

        `door` is the context that its values were parsed in. Raises Forbidden, NotFound,
        RuleRefused, ContentConflict (the key stands for another command), Invalid for a time that
        lies ahead, StaleVersion and Unavailable.
        """
        if not may(principal, command.ACTION):
            raise Forbidden(f"{command.ACTION} is not allowed")
        refuse_ahead(envelope.when, self._clock())
        command_id = self._ids.command(principal.name, envelope.key or uuid4().hex)
        content = canonical({"command": type(command).__name__, "content": envelope.content})
        first_id = self._ids.of_command(command_id, 0)
        if envelope.key is not None and (first := self._recorder.stored([first_id])):
            return self._repeats.of_command(first[first_id], content)
        for attempt in range(1, DECISIONS_MAX + 1):
            version, history = self._load(envelope.who, command.STREAM)
            if envelope.version is not None and envelope.version != version:
                raise StaleVersion("the customer has changed since: read again", version=version)
            drafts = tuple(
                Draft(
                    event_id=self._ids.of_command(command_id, nth),
                    data=event,
                    content=content,
                    who=envelope.who,
                    stream=command.STREAM,
                    when=envelope.when,
                    source=envelope.source,
                    actor=principal.actor,
                    points=door.points if door else {},
                    expected=version if nth == 0 else None,
                    correlation_id=first_id,
                )
                for nth, event in enumerate(command.decide(history))
            )
            if not drafts:
                return Receipt(None, version, (), duplicate=True, token=None)
            try:
                return self._appender.submit(Append(drafts, command_id=command_id)).result()
            except StaleVersion:
                if envelope.version is not None or attempt == DECISIONS_MAX:
                    raise
        raise AssertionError("the last attempt returns or raises")

    def _load(self, who: Identifier | str, stream: str) -> tuple[int, list[EventData]]:
        """The stream's version and events; (0, []) where nobody was ever seen."""
        subject = self._subjects.find(who) if isinstance(who, Identifier) else who
        if subject is None:
            return 0, []
        if isinstance(who, str) and self._subjects.standing(subject) != "living":
            raise NotFound("no such customer", field="subject")
        recorded = list(self._events.get(f"{subject}/{stream}"))
        history = [event.data for event in recorded if isinstance(event, Recorded)]
        return (recorded[-1].originator_version if recorded else 0), history
