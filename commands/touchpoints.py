"""Report a touchpoint: what a channel saw, recorded once.

Nothing is loaded and nothing is decided: a touchpoint's stream is its own, and sending it again
collides with itself.
"""

from collections import Counter, deque
from collections.abc import Iterable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from commands.times import Clock, refuse_ahead, utc_now
from domain.access import Principal, may
from schemas.canonical import canonical
from schemas.cloudevents import from_json
from schemas.envelope import Reported
from schemas.errors import (
    BackboneError,
    Broken,
    ContentConflict,
    Forbidden,
    Invalid,
    Refused,
    Unavailable,
    UnknownType,
)
from schemas.identifiers import Identifier, is_house, is_subject, parse_identifier
from schemas.receipts import Receipt, Token
from schemas.references import Door
from schemas.registry import Registry
from store.appender import Appender
from store.drafts import Append, Draft
from store.ids import Ids

IN_FLIGHT_MAX = 1_000
"""How many events of one batch wait in the appender's line at once."""

Outcome = Literal["accepted", "duplicate", "conflict", "rejected"]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)


@dataclass(frozen=True, slots=True)
class Item:
    """What became of one event of a batch; `field` and `reason` tell what was wrong with it."""

    index: int
    outcome: Outcome
    code: str | None = None
    field: str | None = None
    reason: str | None = None
    erased: bool = False


@dataclass(slots=True)
class BatchResult:
    """What became of a batch. `token` waits for everything that it recorded or found recorded."""

    items: list[Item] = field(default_factory=list)
    _epoch: int = 0
    _sequences: dict[int, int] = field(default_factory=dict)

    @property
    def token(self) -> Token | None:
        """None where nothing was accepted and nothing was known."""
        return Token(self._epoch, dict(self._sequences)) if self._sequences else None

    def reached(self, token: Token) -> None:
        """Its token waits for this one too."""
        self._epoch = token.epoch
        for partition, sequence in token.sequences.items():
            if sequence > self._sequences.get(partition, 0):
                self._sequences[partition] = sequence

    def count(self, outcome: Outcome) -> int:
        """How many items had this outcome."""
        return Counter(item.outcome for item in self.items)[outcome]


class Touchpoints:
    """Takes reports at whichever door they come."""

    def __init__(
        self,
        registry: Registry,
        ids: Ids,
        appender: Appender,
        region: str,
        clock: Clock = utc_now,
    ) -> None:
        self._registry = registry
        self._ids = ids
        self._appender = appender
        self._region = region
        self._clock = clock

    def report(self, principal: Principal, reported: Reported) -> "Future[Receipt]":
        """Record one event; the future gives its receipt, or raises why not.

        Raises Forbidden, UnknownType, Invalid or Unavailable at once.
        """
        if not may(principal, "events:write"):
            raise Forbidden("events:write is not allowed")
        return self._appender.submit(self._append(reported))

    def report_batch(self, principal: Principal, events: Iterable[Any]) -> BatchResult:
        """Record many events, each for itself; `events` are structured CloudEvents, read from JSON.

        A bad one is told with its index, field and reason, and the others go on. Raises Forbidden
        for all, and Unavailable when the store cannot be reached: then send the batch again, what
        was recorded is found as a duplicate.
        """
        if not may(principal, "events:write"):
            raise Forbidden("events:write is not allowed")
        result = BatchResult()
        waiting: deque[tuple[int, Future[Receipt]]] = deque()
        for index, event in enumerate(events):
            try:
                append = self._append(from_json(event))
            except Refused as refusal:
                result.items.append(_refused(index, refusal))
                continue
            if len(waiting) >= IN_FLIGHT_MAX:
                _settle(result, *waiting.popleft())
            waiting.append((index, self._submitted(append, result, waiting)))
        for index, answer in waiting:
            _settle(result, index, answer)
        result.items.sort(key=lambda item: item.index)
        return result

    def _submitted(
        self,
        append: Append,
        result: BatchResult,
        waiting: "deque[tuple[int, Future[Receipt]]]",
    ) -> "Future[Receipt]":
        """Submit, waiting for own events first when the appender's line is full."""
        while True:
            try:
                return self._appender.submit(append)
            except Unavailable:
                if not waiting:
                    raise
                _settle(result, *waiting.popleft())

    def _append(self, reported: Reported) -> Append:
        model = self._registry.model(reported.type, reported.version)
        if not model.TOUCHPOINT:
            raise UnknownType("is written by a command, not reported", field="type")
        refuse_ahead(reported.when, self._clock())
        door = Door(reported.source, self._region, self._ids)
        data = self._registry.parse(reported.type, reported.version, reported.data, door)
        event_id = self._ids.event_id(reported.source, reported.channel_id)
        who = self._who(reported.subject or f"anonymous:{event_id}")
        content = {"type": reported.type, "subject": _text(who), "data": reported.data}
        draft = Draft(
            event_id=event_id,
            data=data,
            content=canonical(content | reported.sent),
            who=who,
            stream=f"touchpoint/{event_id}",
            when=reported.when,
            source=reported.source,
            actor=f"channel:{reported.source}",
            points=door.points,
            correlation_id=reported.correlation_id,
            causation_id=reported.causation_id,
        )
        return Append((draft,))

    def _who(self, subject: str) -> Identifier | str:
        if is_house(subject):
            raise Invalid("a touchpoint belongs to a customer", field="subject")
        return subject if is_subject(subject) else parse_identifier(subject, self._region)


def _text(who: Identifier | str) -> str:
    return who if isinstance(who, str) else who.text


def _refused(index: int, refusal: BackboneError) -> Item:
    outcome: Outcome = "conflict" if isinstance(refusal, ContentConflict) else "rejected"
    return Item(index, outcome, refusal.code, refusal.field, refusal.reason)


def _settle(result: BatchResult, index: int, answer: "Future[Receipt]") -> None:
    try:
        receipt = answer.result()
    except (Unavailable, Broken):
        # Not this item's fault: the whole batch is to be sent again.
        raise
    except BackboneError as refusal:
        result.items.append(_refused(index, refusal))
        return
    outcome: Outcome = "duplicate" if receipt.duplicate else "accepted"
    result.items.append(Item(index, outcome, erased=receipt.erased))
    if receipt.token is not None:
        result.reached(receipt.token)
