"""Events about what customers complain of."""

from typing import Annotated, ClassVar, Literal

from schemas.blocks import Attachment, Contact
from schemas.event import EventData
from schemas.fields import Code, Day
from schemas.money import Money
from schemas.personal import IDENTIFY, FreeText
from schemas.references import EventReference, IdentityNumber, NumberOf


class ComplaintMade(Contact, EventData):
    """A complaint, by whichever way it came."""

    TYPE: ClassVar[str] = "complaint.made"
    TOUCHPOINT: ClassVar[bool] = True

    complaint: Annotated[IdentityNumber, NumberOf("complaint", IDENTIFY)] | None = None
    """The complaint's own number."""
    via: Literal["direct", "regulator", "ombudsman", "referral", "social"]
    """Who passed it on."""
    product: Code | None = None
    sub_product: Code | None = None
    issue: Code
    sub_issue: Code | None = None
    text: FreeText | None = None
    severity: Code | None = None
    wanted: Code | None = None
    """The remedy asked for."""
    disputed: Money | None = None
    """The amount in dispute."""
    forwarded_on: Day | None = None
    """When the regulator passed it on; may precede the event."""
    answer_by: Day | None = None
    """The legal deadline in force."""
    repeat_of: EventReference | None = None
    attachments: list[Attachment] | None = None
