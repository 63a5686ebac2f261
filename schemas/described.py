"""JSON Schemas of what channels send (`inbound`) and of what consumers read (`stream`)."""

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue

from schemas.attributes import READ, READ_REQUIRED, SENT, SENT_REQUIRED
from schemas.event import EventData

Side = Literal["inbound", "stream"]

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_READERS = (
    "As consumers read it. Fields marked x-personal hold sealed values, null once they are erased;"
    " those marked x-hashed hold keyed hashes to join by."
)
_SENDERS = "As channels send it to POST /v1/events."
_HOUSE = "Written by commands or the house alone: POST /v1/events refuses it."


class _Untitled(GenerateJsonSchema):
    """Without the titles that would only repeat each field's name."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        del schema
        return False


def described(events: Iterable[type[EventData]]) -> dict[str, JsonSchemaValue]:
    """Every schema by its path under the published folder."""
    out = {
        "inbound/envelope.json": _envelope("inbound", SENT, SENT_REQUIRED),
        "stream/envelope.json": _envelope("stream", READ, READ_REQUIRED),
    }
    for event in events:
        for side in ("inbound", "stream"):
            out[f"{side}/{event.TYPE}.v{event.VERSION}.json"] = event_schema(event, side)
    return out


def event_schema(event: type[EventData], side: Side) -> JsonSchemaValue:
    """The JSON Schema of an event's `data` on one side of the backbone."""
    mode: Literal["validation", "serialization"] = (
        "validation" if side == "inbound" else "serialization"
    )
    schema = event.model_json_schema(mode=mode, schema_generator=_Untitled)
    how = _READERS if side == "stream" else _SENDERS if event.TOUCHPOINT else _HOUSE
    return {
        "$schema": _DIALECT,
        "$id": f"urn:backbone:schema:{side}:{event.TYPE}:v{event.VERSION}",
        **schema,
        "title": f"{event.TYPE}, version {event.VERSION}",
        "description": f"{schema['description']} {how}",
        "x-touchpoint": event.TOUCHPOINT,
    }


def _envelope(
    side: Side, attributes: Mapping[str, Mapping[str, Any]], required: tuple[str, ...]
) -> JsonSchemaValue:
    return {
        "$schema": _DIALECT,
        "$id": f"urn:backbone:schema:{side}:envelope",
        "type": "object",
        "title": "The envelope: a CloudEvent 1.0",
        "description": (
            "The attributes around an event's data. In binary mode each is a header, `ce-<name>`"
            " over HTTP and `ce_<name>` on Kafka, its value as text."
        ),
        "properties": dict(attributes),
        "required": list(required),
        "additionalProperties": False,
    }
