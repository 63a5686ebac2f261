"""Money: `{"amount": "12.34", "currency": "EUR"}`; sums are per currency."""

import re
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, Strict, StringConstraints, WithJsonSchema

from schemas.fields import Block

_AMOUNT = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,4})?")


def _amount(value: Any) -> Decimal:
    if isinstance(value, Decimal):
        return value
    if isinstance(value, str) and _AMOUNT.fullmatch(value):
        return Decimal(value)
    raise ValueError("an amount is a string such as '12.34': at most 4 digits behind the point")


Amount = Annotated[
    Decimal,
    BeforeValidator(_amount),
    WithJsonSchema({"type": "string", "pattern": f"^{_AMOUNT.pattern}$", "format": "decimal"}),
]
"""NUMERIC(19,4), a string on the wire: a JSON number would pass through binary floats."""

Currency = Annotated[
    str,
    Strict(),
    StringConstraints(pattern=r"^[A-Z]{3}$"),
    Field(json_schema_extra={"x-code": True}),
]
"""ISO 4217, three letters."""


class Money(Block):
    amount: Amount
    currency: Currency
