"""From a request to what can be written: subjects settled, values sealed, expectations stated."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from schemas.errors import NotFound, Unavailable
from schemas.identifiers import is_house
from store.directory import Party
from store.drafts import Draft, Who, who_text
from store.mapper import EventMapper, Settled
from store.rows import Prepared
from store.waiting_line import Request


class Unsettled(Exception):
    """An identifier's subject was erased while we asked for it: ask again."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """A request whose subjects are settled and whose values are sealed."""

    request: Request
    parties: tuple[Party, ...]
    """Whose events these are, and whom they name."""
    opened: tuple[Party, ...]
    """Those who have a `subject.opened` once it is written."""
    prepared: Prepared


def seal(request: Request, known: Mapping[str, Party | None], mapper: EventMapper) -> Sealed:
    """Seal a request for those whom `known` tells by their text.

    Raises NotFound, Unavailable for an erasure that is not finished, and Unsettled.
    """
    append = request.append
    events = [_settle(draft, known, append.command_id) for draft in append.drafts]
    owners = {event.subject: event.party for event in events if event.party is not None}
    named = {point.subject: point for event in events for point in event.points.values()}
    rows = []
    opening = set()
    for event in events:
        party = event.party
        if party is not None and not party.opened and party.subject not in opening:
            opening.add(party.subject)
            rows.append(mapper.to_stored_event(mapper.opening(event)))
        rows.append(mapper.to_stored_event(event))
    # Of a contact point too: it may be erased meanwhile, and this must not name it any more.
    parties = tuple((named | owners).values()) if named else tuple(owners.values())
    keys = [key_id for party in parties for key_id in party.living()]
    expects = append.expects + tuple(
        (event.stream, event.draft.expected) for event in events if event.draft.expected is not None
    )
    return Sealed(
        request, parties, tuple(owners.values()), Prepared(tuple(rows), tuple(keys), expects)
    )


def _settle(draft: Draft, known: Mapping[str, Party | None], command_id: UUID | None) -> Settled:
    if isinstance(draft.who, str) and is_house(draft.who):
        return Settled(draft, draft.who, None, command_id=command_id)
    party = _party(draft.who, known)
    points = {text: _party(point, known) for text, point in draft.points.items()}
    return Settled(draft, party.subject, party, points, command_id)


def _party(who: Who, known: Mapping[str, Party | None]) -> Party:
    party = known.get(text := who_text(who))
    if party is not None:
        return party
    if isinstance(who, str):
        raise NotFound("no such customer", field="subject")
    if text in known:
        raise Unavailable("this customer is being erased; if that crashed, run it again")
    raise Unsettled


class StreamsOfGroup:
    """Which streams a group's requests write to and expect something of.

    Expectations are checked against the log as it was before the group, so no request may expect
    anything of a stream that another one of its group writes to. Two that only append, or only
    read, do not mind each other.
    """

    def __init__(self) -> None:
        self._written: set[str] = set()
        self._expected: set[str] = set()

    def admits(self, prepared: Prepared) -> bool:
        """Whether the request may go with those before it, or must wait for the next group."""
        written = {row.stream for row in prepared.rows}
        expected = {stream for stream, _ in prepared.expects}
        alone = self._written.isdisjoint(expected) and self._expected.isdisjoint(written)
        # Also of one that waits: who comes behind it must not overtake it.
        self._written |= written
        self._expected |= expected
        return alone
