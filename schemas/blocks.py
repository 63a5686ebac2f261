"""Parts that several events share."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import ValidationInfo, model_validator

from schemas.errors import Invalid
from schemas.fields import Block, Bytes, Code, Day, DecimalText, Flag, Whole
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
    """The way it came."""
    location: Code | None = None
    """Store, branch, site or app."""
    agent: Code | None = None
    """Staff code of who handled it; who reported it is the actor."""
    campaign: Code | None = None
    """The campaign that caused it, if known."""
    case: Annotated[UUID, KeyTo("case")] | None = None
    """The channel's own ticket number, if it has one."""
    about: list[EventReference] | None = None
    """The events that it speaks of: a purchase, a call, a complaint."""
    language: Code | None = None
    """BCP 47."""
    cost: Money | None = None
    """What it cost to serve, if the channel knows."""


class Discount(Block):
    """One reduction of a line's price; `in_net` says whether `net` has it off already."""

    kind: Literal["loyalty", "coupon", "match", "promotion", "employee", "manual", "points", "tier"]
    amount: Money
    """Positive."""
    funded_by: Literal["seller", "manufacturer", "partner", "programme"]
    """Who pays for it."""
    in_net: Flag
    """Whether `net` has it off already: not so for a manufacturer's coupon."""
    campaign: Code | None = None
    offer: Code | None = None
    coupon: Code | None = None


class Line(Block):
    """One line of a trade document. `net` is what the seller earns for it."""

    no: Whole
    """The line's number on the document."""
    product: Code
    """`unknown` is allowed."""
    category: Code
    """As at that time; `unknown` is allowed."""
    department: Code | None = None
    """The level above the category."""
    brand: Code | None = None
    kind: Code | None = None
    """goods, service, shipping, deposit, gift_card, fee or coupon."""
    quantity: DecimalText
    """May be 0 or negative."""
    unit: Code
    """piece, kg, l … or `unknown`; never assume pieces."""
    list: Money | None = None
    """Before any discount."""
    net: Money
    """What the seller earns for the line, after the discounts that are in it."""
    tax: Money | None = None
    """The tax on the line."""
    tax_rate: DecimalText | None = None
    """The rate in force."""
    discounts: tuple[Discount, ...] | None = None
    cost: Money | None = None
    """Cost of the goods, for the margin."""
    returns: EventReference | None = None
    """On a negative line of a purchase: what is returned."""


class Tender(Block):
    """How it was paid."""

    method: Literal["cash", "card", "transfer", "points", "gift_card", "credit"]
    amount: Money
    card: Billable | None = None
    """Its token or last four digits."""


class Reporting(Block):
    """The amount in the reporting currency, with the rate that was used."""

    amount: Money
    rate: DecimalText
    rate_date: Day
    rate_source: Code


class Attachment(Block):
    """A file by reference; its bytes live in an object store."""

    store: Code
    """Which object store."""
    object: Code
    """The opaque id of the object there."""
    media_type: Code
    bytes: Bytes
    digest: Code
    """A keyed digest, by which an erasure proves what is gone."""
    kind: Literal["recording", "transcript", "document", "image"]
    name: FreeText | None = None
    """The file's name."""


class Point(Block):
    """A contact point, stated for the profile; it claims nothing."""

    kind: Literal["phone", "email", "postal", "social", "device"]
    value: ContactValue
    label: Code | None = None
    """home, work, mobile or household."""
    shared: Flag | None = None
    """The customer says that others use it too."""
    verified: Literal["none", "code", "document", "login"] | None = None
    """How it was proved."""

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
    """ISO 3166."""
