"""The envelope's attributes, as channels send them and as consumers read them.

Each is described as JSON Schema describes a property; `schemas.publishing` publishes both tables,
and tests hold them against the codec in `schemas.cloudevents`.
"""

from collections.abc import Mapping
from typing import Any, get_args

from schemas.envelope import Basis, Precision, Traffic
from schemas.fields import StrictCoded

Attribute = Mapping[str, Any]


def _text(meaning: str, **marks: Any) -> Attribute:
    return {"type": "string", "description": meaning, **marks}


def _code(meaning: str) -> Attribute:
    return _text(meaning, pattern=StrictCoded.pattern, **{"x-code": True})


def _whole(meaning: str, minimum: int) -> Attribute:
    return {"type": "integer", "minimum": minimum, "description": meaning}


_SPECVERSION = _text("Of CloudEvents.", const="1.0")
_TYPE = _text(
    "Such as purchase.made.", pattern=r"^[a-z][a-z_]*(\.[a-z][a-z_]*)+$", **{"x-code": True}
)
_MEDIA = _text("Of `data`.", const="application/json")
_TIMES: Mapping[str, Attribute] = {
    "timeprecision": _text("How exact `time` is.", enum=list(get_args(Precision))),
    "timebasis": _text("How `time` is known.", enum=list(get_args(Basis))),
}
_TRAFFIC = _text("Anything but live stays out of every total.", enum=list(get_args(Traffic)))

SENT: Mapping[str, Attribute] = {
    "specversion": _SPECVERSION,
    "id": _text(
        "The channel's own id, hashed and never kept. Sent again with the same content, it is a "
        "duplicate and changes nothing; with another content, a conflict.",
        minLength=1,
        maxLength=200,
    ),
    "source": _code("The channel."),
    "type": _TYPE,
    "typeversion": {**_whole("Absent is 1.", 1), "default": 1},
    "subject": _text(
        "Whose event it is: an identifier `kind:value` such as phone:+3225550101, or a subject. "
        "Absent for a sender that nobody knows.",
        **{"x-personal": "identity", "x-purpose": "identify", "x-sensitivity": 1},
    ),
    "time": _text(
        "When it happened or began, with a zone. Absent is when it arrived.", format="date-time"
    ),
    **_TIMES,
    "businessdate": _text(
        "The day it is booked on, where that is not the local date of `time`.", format="date"
    ),
    "traffic": _TRAFFIC,
    "correlationid": _text("What belongs together.", format="uuid"),
    "causationid": _text("The event that caused it.", format="uuid"),
    "datacontenttype": _MEDIA,
    "dataschema": _text("Taken and not kept.", **{"x-code": True}),
    "traceparent": _text("W3C Trace Context.", **{"x-code": True}),
    "tracestate": _text("W3C Trace Context.", **{"x-code": True}),
    "data": {"type": "object", "description": "The event's own fields, by its type."},
}
SENT_REQUIRED = ("specversion", "id", "source", "type")

READ: Mapping[str, Attribute] = {
    "specversion": _SPECVERSION,
    "id": _text("Derived from the channel and its own id by a keyed hash.", format="uuid"),
    "source": _code("The channel that reported it."),
    "type": _TYPE,
    "typeversion": _whole("The version that `data` is in.", 1),
    "subject": _text(
        "Whose event it is: a random name, or `@kind:code` for what is no person.",
        **{"x-code": True},
    ),
    "time": _text("When it happened or began, in the channel's own offset.", format="date-time"),
    **_TIMES,
    "businessdate": _text("The day it is booked on.", format="date"),
    "traffic": _TRAFFIC,
    "recordedtime": _text("When it was recorded; never runs backwards.", format="date-time"),
    "actor": _text("Who reported or decided it, `kind:code`.", **{"x-code": True}),
    "correlationid": _text("What belongs together.", format="uuid"),
    "causationid": _text("The event that caused it, if one did.", format="uuid"),
    "stream": _text(
        "On Kafka: the events it stands among, `<subject>/<kind>/<key>`.", **{"x-code": True}
    ),
    "streamversion": _whole("On Kafka: its place in `stream`.", 1),
    "partition": _whole("Kafka's default partitioner over `subject`.", 0),
    "position": _whole("Its place in the store.", 1),
    "sequence": _whole("Its place in the partition, without gaps.", 1),
    "epoch": _whole("On Kafka: which life of the store; a restore begins another.", 0),
    "datacontenttype": _MEDIA,
    "data": {
        "type": "object",
        "description": "The event's own fields, by type and version; on Kafka, the record's value.",
    },
}
READ_OPTIONAL = ("causationid", "stream", "streamversion", "epoch")
READ_REQUIRED = tuple(name for name in READ if name not in READ_OPTIONAL)
