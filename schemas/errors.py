"""Every refusal and failure, named by what the caller may do about it.

BackboneError
├── Refused                 mend the input or the wish, then come again
│   ├── Malformed             not readable as what it claims to be
│   ├── Invalid               readable, but a field breaks the contract
│   ├── UnknownType           no such event type or version at this door
│   ├── TooLarge, UnsupportedMedia
│   ├── Unauthorised, Forbidden, NotFound
│   ├── ContentConflict       this id already stands for another content
│   ├── RuleRefused           a rule of the domain says no
│   ├── StaleVersion          the stream moved since the caller looked: read, decide again
│   └── OtherEpoch            the token is from before a restore
├── Unavailable             wait, then try the same again
└── Broken                  stop: a person must look (ring, store format, fold, upcast)

A reason is a sentence for people. It never repeats the input, an exception's text or a statement:
any of these may hold somebody's name.
"""

from typing import ClassVar


class BackboneError(Exception):
    """Base of all; `code` is the contract's word for it, `field` the place in the input, if any."""

    code: ClassVar[str] = "broken"

    def __init__(
        self, reason: str, *, field: str | None = None, **numbers: int | str | None
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.field = field
        self.numbers = numbers


class Refused(BackboneError):
    """The same thing sent again would be refused again."""

    code = "refused"


class Malformed(Refused):
    code = "malformed"


class Invalid(Refused):
    code = "invalid"


class UnknownType(Refused):
    code = "unknown-type"


class TooLarge(Refused):
    code = "too-large"


class UnsupportedMedia(Refused):
    code = "unsupported-media"


class Unauthorised(Refused):
    code = "unauthorised"


class Forbidden(Refused):
    code = "forbidden"


class NotFound(Refused):
    code = "not-found"


class ContentConflict(Refused):
    code = "content-conflict"


class RuleRefused(Refused):
    code = "rule-refused"


class StaleVersion(Refused):
    code = "stale-version"


class OtherEpoch(Refused):
    code = "other-epoch"


class Unavailable(BackboneError):
    """A fault of the world: the same thing sent later may well be taken."""

    code = "unavailable"


class Broken(BackboneError):
    """Going on would do harm; the reason says what a person must look at."""
