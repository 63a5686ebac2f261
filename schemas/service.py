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
    via: Literal["direct", "regulator", "ombudsman", "referral", "social"]
    product: Code | None = None
    sub_product: Code | None = None
    issue: Code
    sub_issue: Code | None = None
    text: FreeText | None = None
    severity: Code | None = None
    wanted: Code | None = None
    disputed: Money | None = None
    forwarded_on: Day | None = None
    answer_by: Day | None = None
    repeat_of: EventReference | None = None
    attachments: list[Attachment] | None = None
