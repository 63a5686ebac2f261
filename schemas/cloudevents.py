"""CloudEvents 1.0: one codec for every door, structured, binary and in batches.

Source: CloudEvents specification 1.0.2, its JSON event format and HTTP protocol binding.
"""

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any, TypeVar, cast
from urllib.parse import unquote
from uuid import UUID

from schemas.canonical import parsed
from schemas.envelope import (
    BASES,
    PRECISIONS,
    TRAFFICS,
    Basis,
    Event,
    Precision,
    Reported,
    Traffic,
    When,
)
from schemas.errors import Invalid, Malformed
from schemas.fields import composed
from schemas.personal import is_token

STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
NDJSON = "application/x-ndjson"

_CODE = re.compile(r"[^\x00-\x1f\x7f-\x9f\ud800-\udfff/ ]{1,200}")
_VERSION = re.compile(r"[0-9]{1,6}", re.ASCII)
_ATTRIBUTE = re.compile(r"[a-z][a-z0-9_]{0,19}")
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_TYPE = re.compile(r"[a-z][a-z_]*(\.[a-z][a-z_]*)+")
_TIME = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})", re.ASCII
)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_YEARS = range(1900, 2201)
_ID = re.compile(r"[^\x00\ud800-\udfff]{1,200}")

# Attributes whose sent form is part of the content; the fingerprint covers them.
_SENT = ("time", "timeprecision", "timebasis", "businessdate", "traffic")
_OTHERS = (
    *("specversion", "id", "source", "type", "typeversion", "subject", "datacontenttype", "data"),
    *("dataschema", "correlationid", "causationid", "traceparent", "tracestate"),
)
_KNOWN = frozenset((*_SENT, *_OTHERS))

T = TypeVar("T")


def from_json(value: Any) -> Reported:
    """A structured CloudEvent, already parsed from JSON, as a report.

    Raises Invalid with the attribute's name. An attribute that the contract does not know is
    refused: a misspelt `businessdate` must not be lost in silence.
    """
    if not isinstance(value, dict):
        raise Invalid("an event is an object", field="event")
    if unknown := sorted(value.keys() - _KNOWN):
        # Anything but a plain name may be what a person typed, and is not repeated.
        name = unknown[0] if _ATTRIBUTE.fullmatch(unknown[0]) else "event"
        raise Invalid("is not an attribute of this contract", field=name)
    if value.get("specversion") != "1.0":
        raise Invalid("is '1.0'", field="specversion")
    if value.get("datacontenttype") not in (None, "application/json"):
        raise Invalid("is application/json", field="datacontenttype")
    return Reported(
        source=_required(value, "source", _code),
        channel_id=_required(value, "id", _channel_id),
        type=_required(value, "type", _type),
        version=_version(value.get("typeversion", 1)),
        subject=_optional(value, "subject", _text),
        when=_when(value),
        sent={name: value[name] for name in _SENT if value.get(name) is not None},
        data=value.get("data", {}),
        correlation_id=_optional(value, "correlationid", _uuid),
        causation_id=_optional(value, "causationid", _uuid),
    )


def from_binary(headers: Mapping[str, str], body: bytes, prefix: str = "ce-") -> Reported:
    """A binary CloudEvent: attributes in headers named `<prefix><attribute>`, data in the body.

    Raises Invalid like `from_json`, and Malformed for a body or a header that cannot be read.
    """
    event: dict[str, Any] = {
        name.lower().removeprefix(prefix): _header(value)
        for name, value in headers.items()
        if name.lower().startswith(prefix)
    }
    return from_json(event | {"data": parsed(body)})


def from_batch(body: bytes) -> list[Any]:
    """The events of a JSON batch, each still to be read; raises Malformed for anything else."""
    events = parsed(body)
    if not isinstance(events, list):
        raise Malformed("a batch is a JSON array of events")
    return events


def to_json(event: Event) -> dict[str, Any]:
    """A recorded event as a structured CloudEvent; personal values stay as `data` has them."""
    out: dict[str, Any] = {
        "specversion": "1.0",
        "id": str(event.event_id),
        "source": event.source,
        "type": event.type,
        "typeversion": event.version,
        "subject": event.subject,
        "time": event.occurred_at.isoformat(),
        "timeprecision": event.precision,
        "timebasis": event.basis,
        "businessdate": event.business_day.isoformat(),
        "traffic": event.traffic,
        "recordedtime": event.recorded_at.isoformat(),
        "actor": event.actor,
        "correlationid": str(event.correlation_id),
        "partition": event.partition,
        "position": event.position,
        "sequence": event.sequence,
        "datacontenttype": "application/json",
        "data": event.data,
    }
    if event.causation_id is not None:
        out["causationid"] = str(event.causation_id)
    return out


def _header(value: str) -> str:
    """Section 3.1.3.2 of the HTTP binding: quotes off, then one round of percent-decoding."""
    if _QUOTED.fullmatch(value):
        value = re.sub(r"\\(.)", r"\1", value[1:-1])
    try:
        return unquote(value, errors="strict")
    except UnicodeDecodeError:
        raise Malformed("a header is not percent-encoded UTF-8") from None


def _required(value: Mapping[str, Any], name: str, read: Callable[[Any, str], T]) -> T:
    if value.get(name) is None:
        raise Invalid("is required", field=name)
    return read(value[name], name)


def _optional(value: Mapping[str, Any], name: str, read: Callable[[Any, str], T]) -> T | None:
    return None if value.get(name) is None else read(value[name], name)


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str) or not value:
        raise Invalid("is a text", field=name)
    return value


def _code(value: Any, name: str) -> str:
    code = composed(value) if isinstance(value, str) else ""
    if not _CODE.fullmatch(code) or is_token(code):
        raise Invalid("is a code of 1 to 200 characters, without space and slash", field=name)
    return code


def _channel_id(value: Any, name: str) -> str:
    if not isinstance(value, str) or not _ID.fullmatch(value) or is_token(value):
        raise Invalid("is a text of 1 to 200 characters", field=name)
    return value


def _type(value: Any, name: str) -> str:
    if not isinstance(value, str) or not _TYPE.fullmatch(value):
        raise Invalid("is a type such as purchase.made", field=name)
    return value


def _version(value: Any) -> int:
    if isinstance(value, str) and _VERSION.fullmatch(value):
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise Invalid("is a whole number from 1", field="typeversion")
    return value


def _uuid(value: Any, name: str) -> UUID:
    try:
        return UUID(_text(value, name))
    except ValueError:
        raise Invalid("is a UUID", field=name) from None


def _when(value: Mapping[str, Any]) -> When:
    return When(
        occurred_at=_optional(value, "time", moment),
        precision=cast(Precision, _member(value, "timeprecision", PRECISIONS, "second")),
        basis=cast(Basis, _member(value, "timebasis", BASES, "reported")),
        business_date=_optional(value, "businessdate", _date),
        traffic=cast(Traffic, _member(value, "traffic", TRAFFICS, "live")),
    )


def _member(value: Mapping[str, Any], name: str, members: frozenset[str], default: str) -> str:
    member = default if value.get(name) is None else value[name]
    if not isinstance(member, str) or member not in members:
        raise Invalid(f"is one of {', '.join(sorted(members))}", field=name)
    return member


def moment(value: Any, name: str) -> datetime:
    """An RFC 3339 time with its zone, kept in its own offset; raises Invalid."""
    if not isinstance(value, str) or not _TIME.fullmatch(value):
        raise Invalid("is a time with a zone, such as 2026-01-31T12:00:00+01:00", field=name)
    try:
        at = datetime.fromisoformat(value.upper())
    except ValueError:
        raise Invalid("is no time that exists", field=name) from None
    if at.year not in _YEARS:
        raise Invalid("lies between the years 1900 and 2200", field=name)
    return at


def _date(value: Any, name: str) -> date:
    if not isinstance(value, str) or not _DATE.fullmatch(value):
        raise Invalid("is a date such as 2026-01-31", field=name)
    try:
        day = date.fromisoformat(value)
    except ValueError:
        raise Invalid("is no date that exists", field=name) from None
    if day.year not in _YEARS:
        raise Invalid("lies between the years 1900 and 2200", field=name)
    return day
