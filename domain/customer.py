"""A customer's own stream, `<subject>/subject`: opened, registered, erased."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from schemas.errors import NotFound
from schemas.event import EventData
from schemas.people import CustomerRegistered, SubjectErased


@dataclass(frozen=True, slots=True)
class Customer:
    """What decisions need to know of the stream."""

    erased: bool = False


def evolve(state: Customer, event: EventData) -> Customer:
    """The state after an event."""
    match event:
        case SubjectErased():
            return replace(state, erased=True)
        case _:
            return state


def load(events: Iterable[EventData]) -> Customer:
    """The state after a history."""
    state = Customer()
    for event in events:
        state = evolve(state, event)
    return state


def register(state: Customer, registration: CustomerRegistered) -> list[EventData]:
    """A registration states anew who somebody is, and may come from several systems: the latest
    counts in the profile, all of them in the history."""
    if state.erased:
        raise NotFound("no such customer", field="subject")
    return [registration]
