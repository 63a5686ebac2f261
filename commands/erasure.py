"""Erase a customer: what he is called and what was said is gone for good, what happened stays."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from domain.access import Principal, may
from schemas.canonical import canonical
from schemas.envelope import When
from schemas.errors import Forbidden, NotFound
from schemas.identifiers import Identifier, is_subject
from schemas.people import SubjectErased
from store.drafts import Draft
from store.erasing import Eraser, Erasure
from store.history import History
from store.ids import Ids
from store.subjects import Standing, Subjects

Reason = Literal["request", "retention", "court"]
HOUSE = "house"


@dataclass(frozen=True, slots=True)
class ErasurePlan:
    """What an erasure would do, to be shown before it is done."""

    subject: str
    standing: Standing
    events: int
    keys: int
    points: tuple[str, ...]
    """The subjects of contact points that the customer's events name."""


class EraseCustomer:
    """Plans and carries out erasures."""

    def __init__(self, ids: Ids, subjects: Subjects, history: History, eraser: Eraser) -> None:
        self._ids = ids
        self._subjects = subjects
        self._history = history
        self._eraser = eraser

    def plan(self, principal: Principal, who: Identifier | str) -> ErasurePlan:
        """What would go.

        Raises NotFound for an identifier that leads to nobody (any more) and for a subject that
        never was. Of an erased subject there is a plan too, so that a broken-off erasure can be
        finished.
        """
        if not may(principal, "customers:erase"):
            raise Forbidden("customers:erase is not allowed")
        subject = (
            self._eraser.subject_of(who.kind, who.normal) if isinstance(who, Identifier) else who
        )
        standing = self._subjects.standing(subject) if subject is not None else "unknown"
        if subject is None or standing == "unknown":
            raise NotFound("no such customer", field="subject")
        events = self._history.of_subject(subject)
        points = {point for event in events for point in _points(event.data)} - {subject}
        keys = self._eraser.keys_of(subject)
        return ErasurePlan(subject, standing, len(events), len(keys), tuple(sorted(points)))

    def erase(
        self,
        principal: Principal,
        plan: ErasurePlan,
        *,
        points: bool = False,
        reason: Reason = "request",
        request: str | None = None,
    ) -> list[Erasure]:
        """Carry a plan out, with the contact points' subjects if `points`; again: finishes.

        `request` is the number under which the erasure was asked for; only its keyed hash is kept.
        """
        if not may(principal, "customers:erase"):
            raise Forbidden("customers:erase is not allowed")
        # The customer last: until then his identifier leads to him, so that after a crash the same
        # command finishes what is left.
        subjects = (*(plan.points if points else ()), plan.subject)
        key = self._ids.document("case", HOUSE, request) if request is not None else None
        return [self._one(principal, subject, reason, key) for subject in subjects]

    def finish(self, principal: Principal) -> int:
        """Finish erasures that crashed half way, or that a restored database has forgotten; how
        many there were.

        Their values are unreadable already; until they are finished, nothing can be written to who
        comes back under the same identifier. Why they were asked for is not known any more: it
        counts as a request.
        """
        unfinished = self._eraser.unfinished()
        for subject in unfinished:
            self._one(principal, subject, "request", None)
        return len(unfinished)

    def _one(
        self, principal: Principal, subject: str, reason: Reason, request: UUID | None
    ) -> Erasure:
        keys = len(self._eraser.keys_of(subject))
        data = SubjectErased(reason=reason, request=request, keys_destroyed=keys)
        event_id = self._ids.of_command(self._ids.command(HOUSE, f"erase {subject}"), 0)
        draft = Draft(
            event_id=event_id,
            data=data,
            content=canonical({"type": data.TYPE, "subject": subject}),
            who=subject,
            stream="subject",
            when=When(),
            source=HOUSE,
            actor=principal.actor,
        )
        return self._eraser.erase(subject, draft)


def _points(value: Any) -> Iterator[str]:
    """Subjects of contact points anywhere in stored data: `{value: token, subject: s_…}`."""
    if isinstance(value, dict):
        subject = value.get("subject")
        if "value" in value and isinstance(subject, str) and is_subject(subject):
            yield subject
        for member in value.values():
            yield from _points(member)
    elif isinstance(value, list):
        for member in value:
            yield from _points(member)
