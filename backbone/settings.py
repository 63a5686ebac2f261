"""What a process may be told from outside: the only reader of the environment.

Every setting is one row of `SETTINGS`; the documentation and its test list them from there.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

import platformdirs

from backbone import setting_values as values

T = TypeVar("T")

PREFIX = "BACKBONE_"
TEST_PREFIX = "BACKBONE_TEST_"


@dataclass(frozen=True)
class Setting:
    """One setting: its name behind `BACKBONE_`, its default as a reader would say it, its help."""

    name: str
    default: str
    help: str

    @property
    def variable(self) -> str:
        """The environment variable's full name."""
        return PREFIX + self.name


SETTINGS: tuple[Setting, ...] = (
    # Where things are kept.
    Setting(
        "STORE_URL",
        "the embedded PostgreSQL",
        "The database of the event store, postgresql://user:password@host/database.",
    ),
    Setting(
        "VIEWS_URL",
        "the embedded PostgreSQL",
        "The database of the views, postgresql://user:password@host/database.",
    ),
    Setting(
        "KAFKA",
        "none",
        "The addresses of Kafka brokers to begin with, host:port, with commas between them; "
        "`backbone relay` needs it, and where it is set, `backbone project` and `backbone up` feed "
        "the views from there.",
    ),
    Setting(
        "DATA_DIR",
        "/var/lib/backbone as root, else the user's own data folder",
        "The folder of the embedded PostgreSQL.",
    ),
    Setting(
        "RING_DIR",
        "<DATA_DIR>-ring",
        "The folder of the keys that open sealed values; never inside DATA_DIR, so that no backup "
        "of the data carries its keys.",
    ),
    # The HTTP door.
    Setting(
        "HTTP_HOST",
        "127.0.0.1",
        "The address that the HTTP server listens on; until access keys exist, loopback only.",
    ),
    Setting("HTTP_PORT", "8080", "The port of the HTTP server; 0 takes any free one."),
    # What the data means.
    Setting(
        "PARTITIONS",
        "12",
        "How many partitions a new store has, 1 to 1024; fixed when the store is made, so take "
        "more than you will need.",
    ),
    Setting(
        "PHONE_REGION",
        "BE",
        "The country (ISO 3166, two letters) of telephone numbers written without one.",
    ),
    Setting(
        "ZONE",
        "none",
        "The time zone (IANA, such as Europe/Brussels) that importers assume for times without "
        "one; without it such times are refused.",
    ),
    # Limits.
    Setting(
        "APPEND_QUEUE_MAX",
        "10000",
        "How many events may wait for the store in one process before new ones are turned away.",
    ),
    Setting("BATCH_EVENTS_MAX", "10000", "How many events one request may carry."),
    Setting("BATCH_BYTES_MAX", "16777216", "How large a request's body may be, in bytes (16 MiB)."),
    Setting(
        "WAIT_SECONDS_MAX",
        "10",
        "How long a read may wait for a receipt's events to arrive in a view, in seconds.",
    ),
)

_DEFAULTS = {setting.name: setting.default for setting in SETTINGS}


class SettingsError(ValueError):
    """A setting that cannot be used: fix the environment and start again.

    `variable` is the environment variable; the message says what to do, and never repeats a URL,
    which may hold a password.
    """

    def __init__(self, variable: str, advice: str) -> None:
        super().__init__(f"{variable}: {advice}")
        self.variable = variable


@dataclass(frozen=True)
class Settings:
    """The settings of one process, checked. `None` for a URL means the embedded PostgreSQL."""

    store_url: str | None = field(repr=False)
    views_url: str | None = field(repr=False)
    kafka: tuple[str, ...] | None
    data_dir: Path
    ring_dir: Path
    http_host: str
    http_port: int
    partitions: int
    phone_region: str
    zone: ZoneInfo | None
    append_queue_max: int
    batch_events_max: int
    batch_bytes_max: int
    wait_seconds_max: float

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> "Settings":
        """Read the variables that begin with BACKBONE_; one that is empty counts as absent.

        Without `environ`, the process's own.

        Raises SettingsError for a value that cannot be used and for an unknown name. Names that
        begin with BACKBONE_TEST_ belong to the tests and are left alone.
        """
        environ = os.environ if environ is None else environ
        _refuse_unknown_names(environ)
        given = _Given(environ)
        data_dir = given.optional("DATA_DIR", values.folder) or _default_data_dir()
        beside = data_dir.with_name(data_dir.name + "-ring")
        ring_dir = given.optional("RING_DIR", partial(values.ring_dir, data_dir=data_dir)) or beside
        limit = partial(values.whole, at_least=1, at_most=2**31 - 1)
        return cls(
            store_url=given.optional("STORE_URL", values.postgres_url),
            views_url=given.optional("VIEWS_URL", values.postgres_url),
            kafka=given.optional("KAFKA", values.kafka_addresses),
            data_dir=data_dir,
            ring_dir=ring_dir,
            http_host=given.value("HTTP_HOST", values.loopback_host),
            http_port=given.value("HTTP_PORT", partial(values.whole, at_least=0, at_most=65_535)),
            partitions=given.value("PARTITIONS", partial(values.whole, at_least=1, at_most=1024)),
            phone_region=given.value("PHONE_REGION", values.phone_region),
            zone=given.optional("ZONE", values.zone),
            append_queue_max=given.value("APPEND_QUEUE_MAX", limit),
            batch_events_max=given.value("BATCH_EVENTS_MAX", limit),
            batch_bytes_max=given.value("BATCH_BYTES_MAX", limit),
            wait_seconds_max=given.value("WAIT_SECONDS_MAX", values.seconds),
        )


class _Given:
    """The texts that were given; hands each to its parser and names the variable in an error."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    def optional(self, name: str, parse: Callable[[str], T]) -> T | None:
        text = self._environ.get(PREFIX + name, "").strip()
        return self._parsed(name, text, parse) if text else None

    def value(self, name: str, parse: Callable[[str], T]) -> T:
        text = self._environ.get(PREFIX + name, "").strip()
        return self._parsed(name, text or _DEFAULTS[name], parse)

    @staticmethod
    def _parsed(name: str, text: str, parse: Callable[[str], T]) -> T:
        try:
            return parse(text)
        except values.UnusableError as error:
            raise SettingsError(PREFIX + name, str(error)) from None


def _refuse_unknown_names(environ: Mapping[str, str]) -> None:
    """A misspelt name must not silently leave the default in force."""
    for variable in sorted(environ):
        if not variable.startswith(PREFIX) or variable.startswith(TEST_PREFIX):
            continue
        name = variable.removeprefix(PREFIX)
        if name not in _DEFAULTS:
            near = get_close_matches(name, _DEFAULTS, n=1)
            known = ", ".join(PREFIX + each for each in _DEFAULTS)
            advice = f"did you mean {PREFIX}{near[0]}?" if near else f"unset it; known: {known}"
            raise SettingsError(variable, f"there is no such setting; {advice}")


def _default_data_dir() -> Path:
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        return Path("/var/lib/backbone")
    return Path(platformdirs.user_data_dir("backbone", appauthor=False))
