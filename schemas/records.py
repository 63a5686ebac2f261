"""Recorded events as Kafka carries them: CloudEvents in binary mode, there and back.

Source: CloudEvents specification 1.0.2, its Kafka protocol binding: attributes are headers
`ce_<name>` whose values are UTF-8, the media type of the data is `content-type`, and the data is
the record's value.
"""

from collections.abc import Iterable
from datetime import date, datetime
from functools import lru_cache
from typing import Any, NamedTuple, cast
from uuid import UUID

import orjson

from schemas.envelope import BASES, PRECISIONS, TRAFFICS, Basis, Event, Precision, Traffic
from schemas.errors import Malformed
from schemas.registry import Registry

Headers = list[tuple[str, bytes]]

PREFIX = "ce_"
POSITION, EPOCH = "ce_position", "ce_epoch"

_RECURRING = (
    *("ce_source", "ce_type", "ce_typeversion", "ce_timeprecision", "ce_timebasis", "ce_traffic"),
    *("ce_actor", "ce_partition", EPOCH),
)
_FIXED: Headers = [("ce_specversion", b"1.0"), ("content-type", b"application/json")]


class Carried(NamedTuple):
    """An event that came by Kafka, with the epoch of the store that it came from."""

    epoch: int
    event: Event


def to_binary(event: Event, epoch: int) -> tuple[Headers, bytes]:
    """A recorded event as headers and body; personal values stay as `data` has them."""
    event_id = str(event.event_id).encode()
    correlation = event.correlation_id
    headers = [
        *_recurring(
            event.source,
            event.type,
            event.version,
            event.precision,
            event.basis,
            event.traffic,
            event.actor,
            event.partition,
            epoch,
        ),
        ("ce_id", event_id),
        ("ce_subject", event.subject.encode()),
        ("ce_time", event.occurred_at.isoformat().encode()),
        ("ce_businessdate", event.business_day.isoformat().encode()),
        ("ce_recordedtime", event.recorded_at.isoformat().encode()),
        (
            "ce_correlationid",
            event_id if correlation == event.event_id else str(correlation).encode(),
        ),
        ("ce_stream", event.stream.encode()),
        ("ce_streamversion", b"%d" % event.stream_version),
        (POSITION, b"%d" % event.position),
        ("ce_sequence", b"%d" % event.sequence),
    ]
    if event.causation_id is not None:
        headers.append(("ce_causationid", str(event.causation_id).encode()))
    return headers, orjson.dumps(event.data)


@lru_cache(maxsize=4_096)
def _recurring(*values: str | int) -> Headers:
    """The headers that many events share, made once: half of what a record costs is its headers."""
    return [
        *_FIXED,
        *zip(_RECURRING, (str(value).encode() for value in values), strict=True),
    ]


def event_from_binary(
    headers: Iterable[tuple[str, bytes]], body: bytes, registry: Registry
) -> Carried:
    """The event that `to_binary` wrote, its data as of the current version.

    Raises Broken for a type or version that this release does not know, and Malformed for what no
    relay of ours wrote.
    """
    try:
        return _read({name: value.decode() for name, value in headers}, body, registry)
    except (KeyError, ValueError):
        raise Malformed("the record is not an event that a relay wrote") from None


def _read(given: dict[str, str], body: bytes, registry: Registry) -> Carried:
    event_type, causation = given["ce_type"], given.get("ce_causationid")
    current = registry.current(event_type).VERSION
    data: dict[str, Any] = orjson.loads(body)
    event = Event(
        event_id=UUID(given["ce_id"]),
        type=event_type,
        version=current,
        stream=given["ce_stream"],
        stream_version=int(given["ce_streamversion"]),
        subject=given["ce_subject"],
        source=given["ce_source"],
        actor=given["ce_actor"],
        occurred_at=datetime.fromisoformat(given["ce_time"]),
        precision=cast(Precision, _one_of(given["ce_timeprecision"], PRECISIONS)),
        basis=cast(Basis, _one_of(given["ce_timebasis"], BASES)),
        business_day=date.fromisoformat(given["ce_businessdate"]),
        traffic=cast(Traffic, _one_of(given["ce_traffic"], TRAFFICS)),
        recorded_at=datetime.fromisoformat(given["ce_recordedtime"]),
        correlation_id=UUID(given["ce_correlationid"]),
        causation_id=None if causation is None else UUID(causation),
        partition=int(given["ce_partition"]),
        position=int(given[POSITION]),
        sequence=int(given["ce_sequence"]),
        data=registry.upcast(event_type, int(given["ce_typeversion"]), data),
    )
    return Carried(int(given[EPOCH]), event)


def _one_of(value: str, members: frozenset[str]) -> str:
    if value not in members:
        raise ValueError(value)
    return value
