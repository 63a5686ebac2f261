"""What stands around an event: once as a channel reports it, once as it was recorded."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal, NamedTuple, get_args
from uuid import UUID

Precision = Literal["second", "hour", "day", "month", "unknown"]
Basis = Literal["reported", "derived", "assumed"]
Traffic = Literal["live", "test", "training"]

PRECISIONS = frozenset(get_args(Precision))
BASES = frozenset(get_args(Basis))
TRAFFICS = frozenset(get_args(Traffic))


@dataclass(frozen=True, slots=True)
class When:
    """When something happened, as it was reported.

    `occurred_at` keeps the channel's own offset; absent, the recorded time counts. `business_date`
    is the day that the channel books it on, where that is not the local date (a till closes after
    midnight).
    """

    occurred_at: datetime | None = None
    precision: Precision = "second"
    basis: Basis = "reported"
    business_date: date | None = None
    traffic: Traffic = "live"


@dataclass(frozen=True, slots=True)
class Reported:
    """One event as a channel sends it, its attributes checked and its data not yet parsed.

    `subject` is an identifier `kind:value`, a subject, or None for a sender that nobody knows.
    `sent` holds the attributes that belong to the content as they were sent: time, its attributes,
    traffic. They go into the fingerprint.
    """

    source: str
    channel_id: str
    type: str
    version: int
    subject: str | None
    when: When
    sent: dict[str, str]
    data: Any
    correlation_id: UUID | None = None
    causation_id: UUID | None = None


class Event(NamedTuple):
    """One recorded event, as every reader gets it: `data` is of the current version, values sealed.

    A NamedTuple, because a rebuild makes hundreds of thousands a second.
    """

    event_id: UUID
    type: str
    version: int
    stream: str
    stream_version: int
    subject: str
    source: str
    actor: str
    occurred_at: datetime
    """In the channel's own offset."""
    precision: Precision
    basis: Basis
    business_day: date
    """The day that the channel states, else the local date of the occurrence in its own offset."""
    traffic: Traffic
    recorded_at: datetime
    correlation_id: UUID
    causation_id: UUID | None
    partition: int
    position: int
    sequence: int
    data: dict[str, Any]
