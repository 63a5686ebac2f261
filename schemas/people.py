"""Events about who somebody is."""

from typing import Annotated, ClassVar, Literal
from uuid import UUID

from schemas.blocks import Address, Point
from schemas.event import EventData
from schemas.fields import Code, Day, Whole
from schemas.personal import Birth, Identifying
from schemas.references import EventReference, KeyTo


class SubjectOpened(EventData):
    """An identifier had its first event; written with it, only if nobody was first."""

    TYPE: ClassVar[str] = "subject.opened"

    kind: Code
    """The identifier's kind."""
    identifier: Identifying
    """As it was given."""
    normaliser: Code
    """The version of the rules that it was normalised by."""


class SubjectErased(EventData):
    """The subject's keys are destroyed: its personal values cannot be read again."""

    TYPE: ClassVar[str] = "subject.erased"

    reason: Literal["request", "retention", "court"]
    request: Annotated[UUID, KeyTo("case")] | None = None
    """The case's or request's number."""
    keys_destroyed: Whole


class CustomerRegistered(EventData):
    """Somebody was registered; contact points are stated for the profile and claim nothing."""

    TYPE: ClassVar[str] = "customer.registered"

    party: Literal["person", "organisation", "household"]
    relationship: Literal["customer", "prospect", "employee", "partner", "test"]
    name_given: Identifying | None = None
    name_middle: Identifying | None = None
    name_family: Identifying | None = None
    name_full: Identifying | None = None
    """Where the parts are unknown."""
    salutation: Code | None = None
    birth_date: Birth | None = None
    """May be partial."""
    points: list[Point] | None = None
    """Contact points for the profile; a claim is an event of its own."""
    addresses: list[Address] | None = None
    language: Code | None = None
    zone: Code | None = None
    """IANA time zone, for quiet hours."""
    acquired_via: Code | None = None
    """store, web, partner, referral or list."""
    acquired_campaign: Code | None = None
    referrer: EventReference | None = None
    home_location: Code | None = None
    """Branch or store."""
    registered_on: Day | None = None
    """If earlier than the event."""
