"""The small types that every event is made of. None of them is a bare `str`."""

import re
import unicodedata
from datetime import date
from decimal import Decimal
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    Strict,
    StringConstraints,
    WithJsonSchema,
)

_DECIMAL = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,6})?")


def _composed(value: str) -> str:
    return value if value.isascii() else unicodedata.normalize("NFC", value)


def _decimal(value: Any) -> Decimal:
    if isinstance(value, Decimal):
        return value
    if isinstance(value, str) and _DECIMAL.fullmatch(value):
        return Decimal(value)
    raise ValueError("a decimal is a string such as '12.34': digits, at most 6 behind the point")


Code = Annotated[
    str,
    Strict(),
    StringConstraints(min_length=1, max_length=200, pattern=r"^[^\p{Cc}]+$"),
    AfterValidator(_composed),
    Field(json_schema_extra={"x-code": True}),
]
"""A closed list's member, a product or store code, an opaque id: nothing that a person typed."""

StrictCode = Annotated[
    str,
    Strict(),
    StringConstraints(min_length=1, max_length=200, pattern=r"^[^\p{Cc}/ ]+$"),
    AfterValidator(_composed),
    Field(json_schema_extra={"x-code": True}),
]
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

Flag = Annotated[bool, Strict()]

DecimalText = Annotated[
    Decimal,
    BeforeValidator(_decimal),
    WithJsonSchema({"type": "string", "pattern": f"^{_DECIMAL.pattern}$", "format": "decimal"}),
]

Day = date
Moment = AwareDatetime


class Block(BaseModel):
    """Base of events and their parts: frozen, closed, and silent about its values in `repr`."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", serialize_by_alias=True, hide_input_in_errors=True
    )

    def __repr_args__(self) -> list[tuple[str | None, Any]]:
        # A model's repr lands in logs and tracebacks; its values may be somebody's name.
        return []
