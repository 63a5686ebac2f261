"""The timeline view: a row for every event of a subject, as it came, sealed values in it."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta, timezone
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Date,
    DateTime,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB

from projections.paging import Page, newest
from projections.sealed import without_tokens
from projections.tables import of_generation
from projections.view import Key, Kind, View
from schemas.envelope import Event

timeline = Table(
    "timeline",
    MetaData(),
    Column("subject", Text(collation="C"), primary_key=True),
    Column("position", BigInteger, primary_key=True),
    Column("partition", Integer, nullable=False),
    Column("event_id", Uuid, nullable=False),
    Column("type", Text(collation="C"), nullable=False),
    Column("version", SmallInteger, nullable=False),
    Column("channel", Text(collation="C")),
    Column("occurred_at", DateTime(timezone=True), nullable=False),
    Column("offset_minutes", SmallInteger, nullable=False),
    Column("precision", Text(collation="C"), nullable=False),
    Column("basis", Text(collation="C"), nullable=False),
    Column("business_day", Date, nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    Column("source", Text(collation="C"), nullable=False),
    Column("actor", Text(collation="C"), nullable=False),
    Column("traffic", Text(collation="C"), nullable=False),
    Column("data", JSONB, nullable=False),
    Index("timeline_newest", "subject", "occurred_at", "position"),
    Index("timeline_by_type", "subject", "type", "occurred_at", "position"),
    Index("timeline_by_channel", "subject", "channel", "occurred_at", "position"),
)


class Entry(NamedTuple):
    """One event of a subject. `data` is of the current version of its type."""

    subject: str
    position: int
    partition: int
    event_id: UUID
    type: str
    version: int
    channel: str | None
    occurred_at: datetime
    offset_minutes: int
    precision: str
    basis: str
    business_day: date
    recorded_at: datetime
    source: str
    actor: str
    traffic: str
    data: dict[str, Any]


_MINUTE = timedelta(minutes=1)


def keys(event: Event) -> tuple[Key, ...]:
    """Every event has a row of its own, whatever its type and traffic."""
    return ((event.subject, event.position),)


def fold(_row: Entry | None, event: Event) -> Entry:
    """The event, as it came."""
    channel = event.data.get("channel")
    offset = event.occurred_at.utcoffset()
    return Entry(
        event.subject,
        event.position,
        event.partition,
        event.event_id,
        event.type,
        event.version,
        channel if isinstance(channel, str) else None,
        event.occurred_at,
        offset // _MINUTE if offset else 0,
        event.precision,
        event.basis,
        event.business_day,
        event.recorded_at,
        event.source,
        event.actor,
        event.traffic,
        event.data,
    )


def erase(row: Entry) -> Entry:
    """What happened stays; every sealed value goes."""
    data = without_tokens(row.data)
    return row if data is row.data else row._replace(data=data)


TIMELINE = View("timeline", 1, (Kind(timeline, Entry, keys, fold, erase, once=True),))


def entries(
    connection: Connection,
    generation: int,
    subjects: Sequence[str],
    page: Page,
    *,
    types: Sequence[str] = (),
    channels: Sequence[str] = (),
) -> list[Entry]:
    """One page of a customer's events, newest first, each in its channel's own offset.

    Empty `types` or `channels` mean all. The next page begins before `cursor_of` the last entry.
    """
    filters = [f for f in (("type", types), ("channel", channels)) if f[1]]
    rows = newest(connection, of_generation(timeline, generation), subjects, page, filters)
    return [_local(Entry(*row)) for row in rows]


def add(a: Sequence[Entry], b: Sequence[Entry]) -> list[Entry]:
    """The timelines of two subjects as one, newest first."""
    return sorted((*a, *b), key=lambda e: (e.occurred_at, e.position), reverse=True)


def _local(entry: Entry) -> Entry:
    zone = timezone(timedelta(minutes=entry.offset_minutes))
    return entry._replace(occurred_at=entry.occurred_at.astimezone(zone))
