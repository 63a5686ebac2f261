"""How one event points at another, at a document, or at somebody's contact point.

Channels send what they know: a document's number, another event's id, a phone number. Stored are a
keyed hash to join by and, sealed, what was sent. The `Door` in the parse's context turns the one
into the other, so that no later step ever sees an open number that is not sealed.
"""

import re
from dataclasses import dataclass, field
from typing import Annotated, Any, Protocol, cast
from uuid import UUID

from pydantic import (
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    PrivateAttr,
    SerializerFunctionWrapHandler,
    model_serializer,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import PydanticCustomError, PydanticSerializationError, core_schema

from schemas.fields import Block, SubjectName, composed
from schemas.identifiers import VALUE_MAX, Identifier
from schemas.personal import (
    CONTACT,
    Billable,
    Contactable,
    Identifying,
    Sealer,
    Use,
    is_token,
    sealed_mark,
)

_NUMBER_MAX = 200
# No NUL, as everywhere; no half of a surrogate pair, which has no bytes that could be hashed.
_NUMBER = re.compile(rf"[^\x00\ud800-\udfff]{{1,{_NUMBER_MAX}}}")


class Derive(Protocol):
    """Keyed hashes over what channels call things; the ring knows the key."""

    def event_id(self, source: str, channel_id: str) -> UUID:
        """The id of the event that `source` calls `channel_id`."""

    def document(self, kind: str, source: str, number: str) -> UUID:
        """The key of the document of `kind` that `source` numbers so."""


@dataclass(frozen=True, slots=True)
class Door:
    """The context in which data from outside is parsed, once for each event."""

    source: str
    region: str
    derive: Derive
    points: dict[str, Identifier] = field(default_factory=dict)
    """The contact points that the event names, by their normal text: filled by the parse."""


def _number(value: Any) -> str:
    if is_token(value):
        raise sealed_mark()
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        return value
    raise PydanticCustomError("number", "a number or id is a text of 1 to 200 characters")


def _point(value: Any) -> str:
    # Looked at here, so that a refusal names the field that was sent and not its stored form.
    if is_token(value):
        raise sealed_mark()
    if isinstance(value, str) and 1 <= len(value) <= VALUE_MAX and "\x00" not in value:
        return value
    raise PydanticCustomError("point", "a contact point is a text of 1 to 500 characters")


def _with_source(value: Any, own: str, name: str) -> tuple[str, str]:
    """(source, text) of `text` or `{source?, <name>}`."""
    if not isinstance(value, dict):
        return own, _number(value)
    if value.keys() - {"source", name} or name not in value:
        raise PydanticCustomError(
            "reference", "a reference is a text or an object with source and text"
        )
    return composed(_number(value.get("source", own))), _number(value[name])


class _Inbound:
    """Rewrites a value at the door into its stored form; elsewhere it has that form already."""

    def rewrite(self, value: Any, door: Door, /) -> Any:
        """The stored form, values still open, of what a channel sent."""
        raise NotImplementedError

    def sent(self) -> JsonSchemaValue:
        """The JSON Schema of what a channel sends."""
        raise NotImplementedError

    def stored(self) -> JsonSchemaValue:
        """What the JSON Schema of the stored form says besides."""
        return {}

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        def rewritten(value: Any, info: core_schema.ValidationInfo) -> Any:
            return self.rewrite(value, info.context) if isinstance(info.context, Door) else value

        return core_schema.with_info_before_validator_function(rewritten, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return handler(schema) | self.stored() if handler.mode == "serialization" else self.sent()


def _sent_text(marks: dict[str, Any], longest: int = _NUMBER_MAX) -> JsonSchemaValue:
    return {"type": "string", "minLength": 1, "maxLength": longest, **marks}


def _sent_pair(name: str, hashed: str) -> JsonSchemaValue:
    source, text = _sent_text({"x-code": True}), _sent_text({"x-hashed": hashed})
    return {
        "type": "object",
        "properties": {"source": source, name: text},
        "required": [name],
        "additionalProperties": False,
    }


@dataclass(frozen=True, slots=True)
class NumberOf(_Inbound):
    """N: a document's own number. Arrives as text; stored `{value: token, key}`."""

    kind: str
    use: Use

    def rewrite(self, value: Any, door: Door) -> Any:
        number = _number(value)
        return {"value": number, "key": door.derive.document(self.kind, door.source, number)}

    def sent(self) -> JsonSchemaValue:
        marks = {"x-personal": "identity", **self.use.marks(), "x-hashed": self.kind}
        return _sent_text(marks)

    def stored(self) -> JsonSchemaValue:
        return {"x-hashed": self.kind}


@dataclass(frozen=True, slots=True)
class KeyTo(_Inbound):
    """K: a reference to a document by number. Arrives as text or `{source?, number}`."""

    kind: str

    def rewrite(self, value: Any, door: Door) -> Any:
        return door.derive.document(self.kind, *_with_source(value, door.source, "number"))

    def sent(self) -> JsonSchemaValue:
        text = _sent_text({"x-hashed": self.kind})
        return {"anyOf": [text, _sent_pair("number", self.kind)]}

    def stored(self) -> JsonSchemaValue:
        return {"x-hashed": self.kind}


@dataclass(frozen=True, slots=True)
class ToEvent(_Inbound):
    """R: a reference to another event. Arrives as `{source?, id}` or an event's UUID."""

    def rewrite(self, value: Any, door: Door) -> Any:
        if isinstance(value, dict):
            return door.derive.event_id(*_with_source(value, door.source, "id"))
        return value

    def sent(self) -> JsonSchemaValue:
        event_id = {"type": "string", "format": "uuid", "x-hashed": "event"}
        return {"anyOf": [event_id, _sent_pair("id", "event")]}

    def stored(self) -> JsonSchemaValue:
        return {"x-hashed": "event"}


@dataclass(frozen=True, slots=True)
class AsText(_Inbound):
    """P@: a contact point. Arrives as text; stored `{value: token, subject}`."""

    use: Use

    def rewrite(self, value: Any, _door: Door) -> Any:
        return {"value": _point(value)}

    def sent(self) -> JsonSchemaValue:
        marks = {"x-personal": "identity", **self.use.marks(), "x-point": True}
        return _sent_text(marks, VALUE_MAX)


class BillNumber(Block):
    """The stored form of a bill's own number: sealed, with a key to join by."""

    value: Billable
    key: UUID


class IdentityNumber(Block):
    """The stored form of another document's own number: sealed, with a key to join by."""

    value: Identifying
    key: UUID


EventReference = Annotated[UUID, ToEvent()]


class PointValue(Block):
    """The stored form of a contact point."""

    value: Contactable
    subject: SubjectName | None = None
    _identifier: str = PrivateAttr(default="")

    def name(self, identifier: Identifier) -> None:
        """Remember the identifier, so that sealing can put its subject in."""
        self._identifier = identifier.text

    @model_serializer(mode="wrap")
    def _with_subject(self, dump: SerializerFunctionWrapHandler, info: Any) -> dict[str, Any]:
        out: dict[str, Any] = dump(self)
        if isinstance(info.context, Sealer) and self.subject is None:
            if not self._identifier:
                raise PydanticSerializationError("a contact point that no door has named")
            out["subject"] = info.context.subject_of(self._identifier)
        return out

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        # The serializer fills in a field and adds none; left in, it would describe any object.
        fields = {name: part for name, part in schema.items() if name != "serialization"}
        return handler(cast(core_schema.CoreSchema, fields))


ContactValue = Annotated[PointValue, AsText(CONTACT)]
