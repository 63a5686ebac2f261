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
    identifier: Identifying
    normaliser: Code


class SubjectErased(EventData):
    """The subject's keys are destroyed: its personal values cannot be read again."""

    TYPE: ClassVar[str] = "subject.erased"

    reason: Literal["request", "retention", "court"]
    request: Annotated[UUID, KeyTo("case")] | None = None
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
    salutation: Code | None = None
    birth_date: Birth | None = None
    points: list[Point] | None = None
    addresses: list[Address] | None = None
    language: Code | None = None
    zone: Code | None = None
    acquired_via: Code | None = None
    acquired_campaign: Code | None = None
    referrer: EventReference | None = None
    home_location: Code | None = None
    registered_on: Day | None = None
