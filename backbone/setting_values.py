"""From the text of a setting to its checked value.

Each function takes the text and returns the value, or raises UnusableError with what to write
instead. None of them knows the name of the setting, and none repeats a URL.
"""

import ipaddress
import math
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

_SECONDS_MAX = 86_400


class UnusableError(ValueError):
    """The text cannot be used; the message says what to write instead."""


def postgres_url(text: str) -> str:
    """A PostgreSQL URL with the driver that this program uses, fit for SQLAlchemy."""
    advice = "must read postgresql://user:password@host/database, with the database's name"
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        # `from None`: SQLAlchemy's own message repeats the URL, password included.
        raise UnusableError(advice) from None
    if url.drivername not in {"postgresql", "postgresql+psycopg"} or not url.database:
        raise UnusableError(advice)
    return url.set(drivername="postgresql+psycopg").render_as_string(hide_password=False)


def kafka_addresses(text: str) -> tuple[str, ...]:
    """Addresses `host:port`, at least one."""
    addresses = tuple(address.strip() for address in text.split(","))
    for address in addresses:
        host, _, port = address.rpartition(":")
        try:
            whole(port, at_least=1, at_most=65_535)
        except UnusableError:
            host = ""
        if not host or set(host) & set(" /@"):
            raise UnusableError("must read host:port, or several with commas between them")
    return addresses


def folder(text: str) -> Path:
    """An absolute path; a relative one counts from the working folder."""
    return Path(text).absolute()


def ring_dir(text: str, *, data_dir: Path) -> Path:
    """An absolute path outside `data_dir`, links followed."""
    path = folder(text)
    if path.resolve().is_relative_to(data_dir.resolve()):
        raise UnusableError(
            f"{path} lies inside {data_dir}; choose a folder outside DATA_DIR, or a backup of the "
            "data would carry the keys that open it"
        )
    return path


def loopback_host(text: str) -> str:
    """An address that only this machine reaches."""
    try:
        loopback = text.lower() == "localhost" or ipaddress.ip_address(text).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise UnusableError(
            f"{text!r} is not a loopback address, and until access keys exist whoever reaches the "
            "server may do everything; use 127.0.0.1, ::1 or localhost"
        )
    return text


def whole(text: str, *, at_least: int, at_most: int) -> int:
    """A whole number between two bounds, both included."""
    # int() would also take "1_000", "+1" and the digits of other scripts, and refuses 5,000 digits
    # with an error of its own.
    digits = text.isascii() and text.isdecimal() and len(text) <= len(str(at_most))
    if not digits or not at_least <= int(text) <= at_most:
        raise UnusableError(f"{text!r} is not a whole number from {at_least} to {at_most}")
    return int(text)


def seconds(text: str) -> float:
    """A number of seconds, 0 or more, a day at most: every wait is bounded."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value <= _SECONDS_MAX:  # false for nan too
        raise UnusableError(f"{text!r} is not a number of seconds from 0 to {_SECONDS_MAX}")
    return value


def phone_region(text: str) -> str:
    """A country's two letters, in capitals, that telephone numbers are known for."""
    from phonenumbers import SUPPORTED_REGIONS

    if text.upper() not in SUPPORTED_REGIONS:
        raise UnusableError(f"{text!r} is not a country's two letters (ISO 3166), such as BE")
    return text.upper()


def zone(text: str) -> ZoneInfo:
    """A time zone by its IANA name."""
    try:
        return ZoneInfo(text)
    except (OSError, ValueError, KeyError):  # a folder's name, a path, an unknown name
        raise UnusableError(
            f"{text!r} is not a time zone (IANA), such as Europe/Brussels"
        ) from None
