"""The base of every event model: explicit classes, greppable by name."""

from typing import ClassVar

from schemas.fields import Block


class EventData(Block):
    """The event's own fields; what is around them is the envelope.

    `TOUCHPOINT` events come in through the open door; the others are written by commands and by the
    house alone.
    """

    TYPE: ClassVar[str]
    VERSION: ClassVar[int] = 1
    TOUCHPOINT: ClassVar[bool] = False
