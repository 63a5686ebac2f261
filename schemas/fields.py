"""The small types that every event is made of. None of them is a bare `str`."""

import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Annotated, Any

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    Strict,
    StringConstraints,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import core_schema

from schemas.personal import UNSEALED

CODE_MAX = 200


def composed(value: str) -> str:
    """The NFC form, so that the same letters are the same bytes whoever sent them."""
    return value if value.isascii() else unicodedata.normalize("NFC", value)


def _either(
    quick: core_schema.CoreSchema,
    careful: core_schema.CoreSchema,
    dump: core_schema.SerSchema,
    word: str,
    reason: str,
) -> core_schema.CoreSchema:
    """Nearly every value passes `quick`, inside pydantic's core; only the others cost Python calls.

    A purchase holds eighty codes and decimals; in Python they were a quarter of its parse.
    """
    return core_schema.custom_error_schema(
        core_schema.union_schema([quick, careful], mode="left_to_right"),
        custom_error_type=word,
        custom_error_message=reason,
        serialization=dump,
    )


@dataclass(frozen=True, slots=True)
class Coded:
    """Makes a text a code: NFC, no control character, none of `without`, and not seemingly sealed.

    `ascii` matches a character that needs no second look: printable, not `~`, none of `without`.
    """

    ascii: str = "[ -}]"
    without: str = ""

    @property
    def pattern(self) -> str:
        """All that a code may be, for Python and JSON Schema."""
        taken = rf"\x00-\x1f\x7f-\x9f{self.without}"
        return rf"{UNSEALED}[^{taken}]{{1,{CODE_MAX}}}$"

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        quick = core_schema.str_schema(strict=True, pattern=f"^{self.ascii}{{1,{CODE_MAX}}}$")
        careful = core_schema.no_info_after_validator_function(
            self._careful, core_schema.str_schema(strict=True)
        )
        besides = f" or one of '{self.without}'" if self.without else ""
        reason = f"is a code of 1 to {CODE_MAX} characters, without a control character{besides}"
        return _either(quick, careful, core_schema.simple_ser_schema("str"), "code", reason)

    def _careful(self, value: str) -> str:
        value.encode()  # half a surrogate pair has no bytes to store: a ValueError
        code = composed(value)
        if not re.fullmatch(self.pattern, code):
            raise ValueError
        return code

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"type": "string", "pattern": self.pattern, "x-code": True}


@dataclass(frozen=True, slots=True)
class Exact:
    """Makes a text an exact decimal, with at most `behind` digits behind the point.

    A text, because a JSON number would pass through binary floats.
    """

    behind: int

    @property
    def pattern(self) -> str:
        """What such a text looks like, alike for Python, pydantic's core and JSON Schema."""
        return rf"^-?[0-9]{{1,15}}(\.[0-9]{{1,{self.behind}}})?$"

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        sent = core_schema.no_info_after_validator_function(
            Decimal, core_schema.str_schema(strict=True, pattern=self.pattern)
        )
        computed = core_schema.no_info_plain_validator_function(self._computed)
        text = core_schema.to_string_ser_schema(when_used="json")
        reason = f"is a text such as '12.34', with at most {self.behind} digits behind the point"
        return _either(sent, computed, text, "decimal", reason)

    def _computed(self, value: Any) -> Decimal:
        """A Decimal of our own code, held to the same digits: whoever computes, rounds."""
        text = f"{value:f}" if isinstance(value, Decimal) else ""
        if not re.fullmatch(self.pattern, text):
            raise ValueError
        return Decimal(text)

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"type": "string", "pattern": self.pattern, "format": "decimal"}


Code = Annotated[str, Coded()]
"""A closed list's member, a product or store code, an opaque id: nothing that a person typed."""

StrictCoded = Coded(ascii="[!-.0-}]", without="/ ")
StrictCode = Annotated[str, StrictCoded]
"""A code that also stands in stream names and actors: no `/`, no space."""

SubjectName = Annotated[
    str,
    Strict(),
    StringConstraints(pattern=r"^s_[a-z]{26}$"),
    Field(json_schema_extra={"x-code": True}),
]

Whole = Annotated[int, Strict(), Field(ge=-(2**53) + 1, le=2**53 - 1)]
"""A whole number that every JSON reader keeps exactly (RFC 8785, I-JSON)."""

Seconds = Annotated[int, Strict(), Field(ge=0, le=2**31)]
"""A duration; absent is not 0."""

Bytes = Annotated[int, Strict(), Field(ge=0, le=2**53 - 1)]
"""A size; a recorded video is longer than 2 GiB."""

Flag = Annotated[bool, Strict()]

DecimalText = Annotated[Decimal, Exact(6)]

Day = date
Moment = AwareDatetime


class Block(BaseModel):
    """Base of events and their parts: frozen, closed, and silent about its values in `repr`."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        serialize_by_alias=True,
        hide_input_in_errors=True,
        use_attribute_docstrings=True,  # what a field means stands in the published schemas
    )

    def __repr_args__(self) -> list[tuple[str | None, Any]]:
        # A model's repr lands in logs and tracebacks; its values may be somebody's name.
        return []
