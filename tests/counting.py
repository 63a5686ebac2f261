"""The smallest view with everything in it: a row per subject, one per event, totals by type.

It counts complaints and sums purchases; a purchase through the channel `broken` cannot be folded.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import BigInteger, Column, Integer, MetaData, Numeric, Table, Text, Uuid

from projections.view import Key, Kind, Rollup, View
from schemas.envelope import Event

_metadata = MetaData()

tallies = Table(
    "counting",
    _metadata,
    Column("subject", Text, primary_key=True),
    Column("partition", Integer, nullable=False),
    Column("complaints", BigInteger, nullable=False),
    Column("spent", Numeric(28, 4), nullable=False),
    Column("name", Text),
)
seen = Table(
    "counting_seen",
    _metadata,
    Column("subject", Text, primary_key=True),
    Column("event_id", Uuid, primary_key=True),
    Column("partition", Integer, nullable=False),
    Column("type", Text, nullable=False),
)
by_name = Table(
    "counting_by_name",
    _metadata,
    Column("partition", Integer, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("rows", BigInteger, nullable=False),
    Column("complaints", BigInteger, nullable=False),
    Column("spent", Numeric(28, 4), nullable=False),
)


class Tally(NamedTuple):
    subject: str
    partition: int
    complaints: int
    spent: Decimal
    name: str | None


class Seen(NamedTuple):
    subject: str
    event_id: UUID
    partition: int
    type: str


def _subject_key(event: Event) -> Iterator[Key]:
    yield (event.subject,)


def _tally(row: Tally | None, event: Event) -> Tally | None:
    row = row or Tally(event.subject, event.partition, 0, Decimal(), None)
    match event.type:
        case "complaint.made":
            return row._replace(complaints=row.complaints + 1)
        case "purchase.made":
            if event.data["channel"] == "broken":
                raise KeyError("the text of this error must never be stored")
            return row._replace(spent=row.spent + Decimal(event.data["net"]["amount"]))
        case "customer.registered":
            return row._replace(name=event.data.get("name_family"))
    return row


def _nameless(row: Tally) -> Tally | None:
    """What somebody spent stays; a row of complaints alone goes."""
    return row._replace(name=None) if row.spent else None


def _counts(row: Tally) -> Mapping[tuple[Any, ...], tuple[int | Decimal, ...]]:
    return {("named" if row.name else "nameless",): (row.complaints, row.spent)}


def _event_key(event: Event) -> Iterator[Key]:
    yield event.subject, event.event_id


def _seen(_row: Seen | None, event: Event) -> Seen:
    return Seen(event.subject, event.event_id, event.partition, event.type)


TALLIES = Kind(tallies, Tally, _subject_key, _tally, _nameless, (Rollup(by_name, _counts),))
SEEN = Kind(seen, Seen, _event_key, _seen, lambda row: row, once=True)
COUNTING = View("counting", 1, (TALLIES, SEEN))
