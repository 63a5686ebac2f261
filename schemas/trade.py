"""Events about what was bought and paid."""

from decimal import Decimal
from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import Field, model_validator

from schemas.blocks import Line, Reporting, Tender
from schemas.event import EventData
from schemas.fields import Code, Flag
from schemas.money import Money
from schemas.personal import BILL
from schemas.references import BillNumber, KeyTo, NumberOf


class PurchaseMade(EventData):
    """A purchase: the only source of revenue. `net` is the sum of the lines' net."""

    TYPE: ClassVar[str] = "purchase.made"
    TOUCHPOINT: ClassVar[bool] = True

    channel: Code
    """The sales channel."""
    location: Code | None = None
    receipt: Annotated[BillNumber, NumberOf("receipt", BILL)] | None = None
    # BaseModel has a `register` of its own, so the wire's name is an alias.
    till: Code | None = Field(default=None, alias="register")
    agent: Code | None = None
    lines: tuple[Line, ...]
    """May be empty."""
    net: Money
    """The sum of the lines' net."""
    tax: Money | None = None
    tax_included: Flag | None = None
    """Whether `net` holds the tax; absent is not known."""
    paid: Money | None = None
    """What the customer paid, after manufacturers' coupons."""
    tenders: tuple[Tender, ...] | None = None
    rep: Reporting | None = None
    """The amount in the reporting currency."""
    order: Annotated[UUID, KeyTo("order")] | None = None
    programme: Code | None = None
    """Whose card was shown."""
    campaign: Code | None = None
    employee_sale: Flag | None = None
    recurring: Annotated[UUID, KeyTo("contract")] | None = None
    """The subscription that it belongs to."""

    @model_validator(mode="after")
    def _adds_up(self) -> "PurchaseMade":
        """Revenue by day comes from `net`, revenue by category from the lines: they must agree."""
        if not self.lines:
            return self
        total, numbers = Decimal(), set()
        for line in self.lines:
            if line.net.currency != self.net.currency:
                raise ValueError("every line's net is in the currency of the purchase's net")
            total += line.net.amount
            numbers.add(line.no)
        if total != self.net.amount:
            raise ValueError("net is the sum of the lines' net")
        if len(numbers) < len(self.lines):
            raise ValueError("two lines have the same no")
        return self
