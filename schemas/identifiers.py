"""What a channel knows somebody by, `kind:value`, and the one form in which it is compared.

Normalised, never "validated away": what cannot be normalised is kept as it is, so that nobody's
contact is lost over a typing error.
"""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import phonenumbers

from schemas.errors import Invalid
from schemas.personal import is_token

NORMALISER = "1"
"""Version of the rules below; written into `subject.opened`."""

VALUE_MAX = 500
_KIND = re.compile(r"[a-z][a-z0-9_]{0,39}")
_SUBJECT = re.compile(r"s_[a-z]{26}")
_HOUSE = re.compile(r"@[a-z][a-z0-9_]{0,39}:[^/\s\x00-\x1f\x7f]{1,150}")


def _plain(value: str, _region: str) -> str:
    return unicodedata.normalize("NFC", value).strip()


def _folded(value: str, _region: str) -> str:
    return " ".join(unicodedata.normalize("NFC", value).casefold().split())


@lru_cache(maxsize=65_536)
def _phone(value: str, region: str) -> str:
    """E.164 where it parses, valid or not; else its digits, for a number is not refused."""
    try:
        number = phonenumbers.parse(value, region)
    except phonenumbers.NumberParseException:
        return "".join(c for c in value if c.isdigit()) or _folded(value, region)
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _email(value: str, region: str) -> str:
    """The domain in lower case (RFC 5321: only the domain is case-insensitive for certain)."""
    local, at, domain = _plain(value, region).rpartition("@")
    return f"{local}{at}{domain.lower()}"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of identifier; `opaque` ones say nothing about a person and may stand in a URL."""

    name: str
    opaque: bool = False
    normalise: Callable[[str, str], str] = _plain


KINDS = {
    kind.name: kind
    for kind in (
        Kind("crm", opaque=True),
        Kind("household", opaque=True),
        Kind("anonymous", opaque=True),
        Kind("phone", normalise=_phone),
        Kind("email", normalise=_email),
        Kind("postal", normalise=_folded),
        Kind("social"),
        Kind("device"),
        Kind("card"),
    )
}


@dataclass(frozen=True, slots=True)
class Identifier:
    """One identifier: `value` as given, `normal` as compared."""

    kind: str
    value: str
    normal: str

    @property
    def text(self) -> str:
        """`kind:normal`, the form that look-ups and fingerprints use."""
        return f"{self.kind}:{self.normal}"

    @property
    def opaque(self) -> bool:
        """True where the identifier may stand in a URL."""
        return self.kind in KINDS and KINDS[self.kind].opaque

    def __repr__(self) -> str:
        # The value may be somebody's phone number, and reprs land in tracebacks.
        return f"Identifier({self.kind}:…)"


def identifier(kind: str, value: str, region: str, field: str = "subject") -> Identifier:
    """Normalise one identifier; `region` (ISO 3166) is where a national phone number is from.

    Raises Invalid, naming `field`, for a kind that is no name or a value that is empty, longer than
    500 characters, holds NUL or looks sealed.
    """
    if not _KIND.fullmatch(kind):
        raise Invalid(
            "an identifier is kind:value, such as crm:1001 or phone:+3225550101", field=field
        )
    if not 1 <= len(value) <= VALUE_MAX or "\x00" in value:
        raise Invalid("an identifier's value has 1 to 500 characters, and no NUL", field=field)
    if is_token(value):
        raise Invalid("may not begin with the mark of sealed values", field=field)
    normal = KINDS.get(kind, Kind(kind)).normalise(value, region)
    if not normal:
        raise Invalid("an identifier's value is not blank", field=field)
    return Identifier(kind, value, normal)


def parse_identifier(text: str, region: str, field: str = "subject") -> Identifier:
    """Read `kind:value`; raises Invalid like `identifier`."""
    kind, colon, value = text.partition(":")
    return identifier(kind if colon else "", value, region, field)


def is_subject(text: str) -> bool:
    """True for a subject's own random name, `s_` and 26 letters."""
    return _SUBJECT.fullmatch(text) is not None


def is_house(text: str) -> bool:
    """True for `@kind:code`, which marks no person."""
    return _HOUSE.fullmatch(text) is not None
