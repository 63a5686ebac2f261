"""What one row of the log holds, and what the database answers to an append."""

import hashlib
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from eventsourcing.persistence import StoredEvent

from schemas.partitioning import partition_of
from store.ids import uuid8


@dataclass(frozen=True)
class VersionedEvent(StoredEvent):
    """The library's stored event, with the version of its type: upcasts start from it."""

    type_version: int


class Row(NamedTuple):
    """One event as the log keeps it, in the order in which `append` takes its columns.

    Position, version, sequence and recorded time are the database's to give. A NamedTuple, because
    a group's rows are turned into columns by one `zip`.
    """

    stream: str
    event_id: UUID
    partition: int
    type: str
    type_version: int
    subject: str
    source: str
    occurred_at: datetime | None
    offset_minutes: int
    """The channel's own offset from UTC."""
    precision: str | None
    basis: str | None
    business_date: date | None
    traffic: str | None
    actor: str
    correlation_id: UUID
    causation_id: UUID | None
    command_id: UUID | None
    fingerprint: bytes
    state: bytes
    opening: bool = False
    """A `subject.opened`, which is written only if nobody was first."""


def bare_row(stored: StoredEvent, partitions: int) -> Row:
    """A row for a stored event that is nothing but itself: all else follows from its stream."""
    stream = str(stored.originator_id)
    subject = stream.partition("/")[0]
    name = f"{stream} {stored.originator_version}".encode()
    event_id = uuid8(hashlib.sha256(name).digest())
    return Row(
        stream=stream,
        event_id=event_id,
        partition=partition_of(subject, partitions),
        type=stored.topic,
        type_version=1,
        subject=subject,
        source="library",
        occurred_at=None,
        offset_minutes=0,
        precision=None,
        basis=None,
        business_date=None,
        traffic=None,
        actor="house:library",
        correlation_id=event_id,
        causation_id=None,
        command_id=None,
        fingerprint=hashlib.sha256(stored.state).digest()[:16],
        state=stored.state,
    )


@dataclass(frozen=True, slots=True)
class Prepared:
    """One request, sealed and ready: all of its rows are written, or none."""

    rows: tuple[Row, ...]
    key_ids: tuple[bytes, ...] = ()
    """The keys that it relies on; the append refuses it when one died meanwhile."""
    expects: tuple[tuple[str, int], ...] = ()
    """(stream, version) that must still hold; 0 for a stream without events."""


class Place(NamedTuple):
    """Where one row went."""

    row: Row
    position: int
    version: int
    sequence: int


@dataclass(frozen=True, slots=True)
class Written:
    """The rows that are now in the log; an opening row that was there already is left out."""

    places: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class AlreadyStored:
    """One of its event ids is in the log: compare, then answer duplicate or conflict."""


@dataclass(frozen=True, slots=True)
class DeadKeys:
    """A key was destroyed between sealing and writing: settle anew who is meant."""


@dataclass(frozen=True, slots=True)
class StaleStreams:
    """A stream that it wrote to or read from has moved."""


Outcome = Written | AlreadyStored | DeadKeys | StaleStreams


@dataclass(frozen=True, slots=True)
class StoredEventRow:
    """What a repeat is compared with. `wrapped` is None when the subject's key is destroyed."""

    event_id: UUID
    fingerprint: bytes
    subject: str
    stream: str
    version: int
    partition: int
    sequence: int
    position: int
    command_id: UUID | None
    key_id: bytes | None
    wrapped: bytes | None
