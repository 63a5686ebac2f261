"""Personal values: open, sealed or erased, and never by accident the wrong one.

Sealing sits inside the type, so that it works in optional, listed and nested fields alike. What the
`context` of a parse or dump says decides:

| parse with | an open text becomes | a token (`~1.…`) becomes |
|---|---|---|
| a `Door`   | open                 | refused: outside text may not look sealed |
| an `Opener`| open                 | open, or `Erased` when its key is destroyed |
| nothing    | open                 | `Sealed`, as it is: projectors hold no keys |

| dump with  | open                 | `Sealed`    | `Erased` |
|---|---|---|---|
| a `Sealer` | a new token          | as it is    | refused |
| nothing    | refused: say which   | as it is    | null |
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any, Literal

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, StringConstraints
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import PydanticCustomError, PydanticSerializationError, core_schema

MARK = "~1."
"""Every sealed token begins with this; no text from outside may."""
UNSEALED = r"^(?!~1\.)"
"""How the pattern of an outside text begins in JSON Schema; pydantic's core cannot look ahead."""

KeyClass = Literal["identity", "content"]
Purpose = Literal["identify", "contact", "deliver", "bill", "analyse", "serve"]
Sensitivity = Literal[1, 2, 3]
"""1 ordinary; 2 financial, official or location; 3 special (birth, health, minors)."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """A token that nobody opened here. No `str`, so that mypy makes every reader say what then."""

    token: str


class Erased(Enum):
    """A value whose key is destroyed. An Enum, because it survives copy and pickle."""

    ERASED = None


class Sealer(ABC):
    """Turns open values of one event into tokens."""

    @abstractmethod
    def seal(self, value: str, key_class: KeyClass) -> str:
        """The token for an open value, under the subject's key of that class."""

    @abstractmethod
    def subject_of(self, identifier: str) -> str:
        """The subject that `resolve` found or made for a contact point named in the event."""


class Opener(ABC):
    """Turns tokens into open values."""

    @abstractmethod
    def open(self, token: str) -> str | Erased:
        """The open value, or `Erased`. Raises Unavailable when keys are out of reach."""


def sealed_mark() -> PydanticCustomError:
    """The refusal of an outside text that looks sealed: stored so, it could never be opened."""
    return PydanticCustomError("sealed_mark", "may not begin with the mark of sealed values")


def is_token(value: object) -> bool:
    """True for a text that says it is sealed."""
    return isinstance(value, str) and value.startswith(MARK)


@dataclass(frozen=True, slots=True)
class Protected:
    """Makes `str | Sealed | Erased` seal and open itself under one class of data key."""

    key_class: KeyClass

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        del source
        return core_schema.with_info_wrap_validator_function(
            self._parse,
            handler.generate_schema(_Text),
            serialization=core_schema.plain_serializer_function_ser_schema(
                self._dump, info_arg=True, when_used="always"
            ),
        )

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        del schema
        if handler.mode == "serialization":
            return {
                "type": ["string", "null"],
                "pattern": r"^~1\.[A-Za-z0-9_-]+$",
                "$comment": "a sealed value; null once it is erased",
                "x-personal": self.key_class,
            }
        return {
            "type": "string",
            "minLength": 1,
            "maxLength": _TEXT_MAX,
            "pattern": UNSEALED + r"[^\x00]+$",
            "x-personal": self.key_class,
        }

    def _parse(
        self,
        value: Any,
        text: core_schema.ValidatorFunctionWrapHandler,
        info: core_schema.ValidationInfo,
    ) -> Any:
        if isinstance(value, Sealed | Erased):
            return value
        if not is_token(value):
            return text(value)
        if info.context is None:
            return Sealed(value)
        if isinstance(info.context, Opener):
            return info.context.open(value)
        raise sealed_mark()

    def _dump(self, value: Any, info: core_schema.SerializationInfo) -> Any:
        if isinstance(value, Sealed):
            return value.token
        if isinstance(info.context, Sealer):
            if isinstance(value, Erased):
                raise PydanticSerializationError("an erased value cannot be sealed anew")
            return info.context.seal(value, self.key_class)
        if isinstance(value, Erased):
            return None
        raise PydanticSerializationError("an open personal value: dump it with a Sealer")


@dataclass(frozen=True, slots=True)
class Use:
    """Why a personal field is kept, and how much harm its loss would do."""

    purpose: Purpose
    sensitivity: Sensitivity

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return handler(schema) | self.marks()

    def marks(self) -> dict[str, Any]:
        """How a JSON Schema says it."""
        return {"x-purpose": self.purpose, "x-sensitivity": self.sensitivity}


IDENTIFY = Use("identify", 1)
BIRTH = Use("identify", 3)
DELIVER = Use("deliver", 2)
BILL = Use("bill", 2)
CONTACT = Use("contact", 1)
SERVE = Use("serve", 3)


_TEXT_MAX = 100_000
# NUL is refused here: PostgreSQL text cannot hold it, and one breaks a COPY for the whole batch.
_Text = Annotated[
    str, StringConstraints(strict=True, min_length=1, max_length=_TEXT_MAX, pattern=r"^[^\x00]+$")
]

Personal = Annotated[str | Sealed | Erased, Protected("identity")]
"""Who somebody is: names, addresses, contact points, order numbers, birth dates."""

FreeText = Annotated[str | Sealed | Erased, Protected("content"), SERVE]
"""What somebody wrote or said: anything may stand in it."""

Identifying = Annotated[Personal, IDENTIFY]
Birth = Annotated[Personal, BIRTH]
Deliverable = Annotated[Personal, DELIVER]
Billable = Annotated[Personal, BILL]
Contactable = Annotated[Personal, CONTACT]
