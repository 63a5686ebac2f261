"""Parts that several events share."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import ValidationInfo, model_validator

from schemas.errors import Invalid
from schemas.fields import Block, Code, Day, DecimalText, Flag, Seconds, Whole
from schemas.identifiers import identifier
from schemas.money import Money
from schemas.personal import Billable, Deliverable, FreeText
from schemas.references import ContactValue, Door, EventReference, KeyTo

Channel = Literal[
    "voice",
    "video",
    "chat",
    "email",
    "sms",
    "social",
    "fax",
    "letter",
    "push",
    "web",
    "in_person",
    "referral",
]


class Contact(Block):
    """What every call, message, visit, feedback and complaint says of itself."""

    channel: Channel
    location: Code | None = None
    agent: Code | None = None
    campaign: Code | None = None
    case: Annotated[UUID, KeyTo("case")] | None = None
    about: list[EventReference] | None = None
    language: Code | None = None
    cost: Money | None = None


class Discount(Block):
    """One reduction of a line's price; `in_net` says whether `net` has it off already."""

    kind: Literal["loyalty", "coupon", "match", "promotion", "employee", "manual", "points", "tier"]
    amount: Money
    funded_by: Literal["seller", "manufacturer", "partner", "programme"]
    in_net: Flag
    campaign: Code | None = None
    offer: Code | None = None
    coupon: Code | None = None


class Line(Block):
    """One line of a trade document. `net` is what the seller earns for it."""

    no: Whole
    product: Code
    category: Code
    department: Code | None = None
    brand: Code | None = None
    kind: Code | None = None
    quantity: DecimalText
    unit: Code
    list: Money | None = None
    net: Money
    tax: Money | None = None
    tax_rate: DecimalText | None = None
    discounts: tuple[Discount, ...] | None = None
    cost: Money | None = None
    returns: EventReference | None = None


class Tender(Block):
    """How it was paid."""

    method: Literal["cash", "card", "transfer", "points", "gift_card", "credit"]
    amount: Money
    card: Billable | None = None


class Reporting(Block):
    """The amount in the reporting currency, with the rate that was used."""

    amount: Money
    rate: DecimalText
    rate_date: Day
    rate_source: Code


class Attachment(Block):
    """A file by reference; its bytes live in an object store."""

    store: Code
    object: Code
    media_type: Code
    bytes: Seconds
    digest: Code
    kind: Literal["recording", "transcript", "document", "image"]
    name: FreeText | None = None


class Point(Block):
    """A contact point, stated for the profile; it claims nothing."""

    kind: Literal["phone", "email", "postal", "social", "device"]
    value: ContactValue
    label: Code | None = None
    shared: Flag | None = None
    verified: Literal["none", "code", "document", "login"] | None = None

    @model_validator(mode="after")
    def _named(self, info: ValidationInfo) -> "Point":
        if isinstance(info.context, Door) and isinstance(self.value.value, str):
            try:
                known = identifier(self.kind, self.value.value, info.context.region)
            except Invalid as refusal:
                raise ValueError(refusal.reason) from None
            self.value.name(known)
            info.context.points[known.text] = known
        return self


class Address(Block):
    """A postal address."""

    purpose: Literal["home", "billing", "delivery"]
    lines: list[Deliverable]
    city: Deliverable | None = None
    region: Code | None = None
    postcode: Deliverable | None = None
    country: Code
