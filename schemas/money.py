"""Money: `{"amount": "12.34", "currency": "EUR"}`; sums are per currency."""

from decimal import Decimal
from typing import Annotated

from pydantic import Field, Strict, StringConstraints

from schemas.fields import Block, Exact

Amount = Annotated[Decimal, Exact(4)]
"""NUMERIC(19,4), a string on the wire: a JSON number would pass through binary floats."""

Currency = Annotated[
    str,
    Strict(),
    StringConstraints(pattern=r"^[A-Z]{3}$"),
    Field(json_schema_extra={"x-code": True}),
]
"""ISO 4217, three letters."""


class Money(Block):
    """An amount in one currency."""

    amount: Amount
    """At most 4 digits behind the point."""
    currency: Currency
    """ISO 4217."""
