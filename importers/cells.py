"""How a cell of a table is read, whether the file knows its type or holds texts alone.

A rejects file is text, the file that it came from is not: the same value must read the same from
both, or the mended event would be another one.
"""

import re
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import Any

_WHOLE = re.compile(r"([0-9]{1,18})(\.0+)?", re.ASCII)
_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?", re.ASCII)
_TIME = re.compile(
    r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}(:?\d{2})?)?", re.ASCII
)
_CENT = Decimal("0.01")
_BEYOND = Decimal(10) ** 15
"""The contract's decimals have fifteen digits before the point."""
_PLACES_MAX = 6


class Unreadable(ValueError):
    """A cell that does not hold what its column promises; the message is a reason for people."""


def code_number(value: Any) -> int:
    """An id: a whole number from 1, since 0 and -1 are what systems write for "none"."""
    if type(value) is int:
        number = value
    else:
        # A column with a hole becomes one of floats where pandas wrote it: 900 stands as 900.0.
        match = _WHOLE.fullmatch(_text(value))
        if match is None:
            raise Unreadable("is not a whole number")
        number = int(match[1])
    if number < 1:
        raise Unreadable("is not a number from 1 up")
    return number


@lru_cache(maxsize=65_536)
def cents(value: Any) -> int:
    """An amount in whole cents, a half rounded away from zero.

    By way of the shortest text of a float, which is what its writer meant: 2.675 is 2.68, though
    the float lies below it, and 1.8e-15 is what is left of a subtraction.
    """
    return int(_decimal(value).quantize(_CENT, ROUND_HALF_UP).scaleb(2))


@lru_cache(maxsize=4_096)
def quantity(value: Any) -> str:
    """A count or measure as the contract writes it: `2`, `0.75`."""
    number = _decimal(value)
    if number == number.to_integral_value():
        return str(int(number))
    text = f"{number.normalize():f}"
    if len(text.partition(".")[2]) > _PLACES_MAX:
        raise Unreadable(f"has more than {_PLACES_MAX} digits behind the point")
    return text


def utc_moment(value: Any) -> datetime:
    """A time; one without a zone is UTC, as the file's publisher says."""
    if isinstance(value, datetime):
        at = value
    else:
        text = _text(value)
        if not _TIME.fullmatch(text):
            raise Unreadable("is not a time such as 2017-01-31 12:00:00")
        try:
            at = datetime.fromisoformat(text)
        except ValueError:
            raise Unreadable("is no time that exists") from None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def written(value: Any) -> str:
    """A cell as a rejects file writes it, so that it reads back as the same value."""
    if value is None:
        return ""
    return value.isoformat(sep=" ") if isinstance(value, datetime) else str(value)


def _text(value: Any) -> str:
    text = written(value).strip()
    if not text:
        raise Unreadable("is missing")
    return text


def _decimal(value: Any) -> Decimal:
    text = _text(value)
    if not _NUMBER.fullmatch(text):
        raise Unreadable("is not a number")
    number = Decimal(text)
    if abs(number) >= _BEYOND:
        raise Unreadable("is too large")
    return number
