"""Events about what was bought and paid."""

from collections import Counter
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
    location: Code | None = None
    receipt: Annotated[BillNumber, NumberOf("receipt", BILL)] | None = None
    # BaseModel has a `register` of its own, so the wire's name is an alias.
    till: Code | None = Field(default=None, alias="register")
    agent: Code | None = None
    lines: tuple[Line, ...]
    net: Money
    tax: Money | None = None
    tax_included: Flag | None = None
    paid: Money | None = None
    tenders: tuple[Tender, ...] | None = None
    rep: Reporting | None = None
    order: Annotated[UUID, KeyTo("order")] | None = None
    programme: Code | None = None
    campaign: Code | None = None
    employee_sale: Flag | None = None
    recurring: Annotated[UUID, KeyTo("contract")] | None = None

    @model_validator(mode="after")
    def _adds_up(self) -> "PurchaseMade":
        """Revenue by day comes from `net`, revenue by category from the lines: they must agree."""
        if not self.lines:
            return self
        if any(line.net.currency != self.net.currency for line in self.lines):
            raise ValueError("every line's net is in the currency of the purchase's net")
        if sum((line.net.amount for line in self.lines), Decimal()) != self.net.amount:
            raise ValueError("net is the sum of the lines' net")
        if any(count > 1 for count in Counter(line.no for line in self.lines).values()):
            raise ValueError("two lines have the same no")
        return self
