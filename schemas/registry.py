"""The allow-list of events: (type, version) -> model, and the way from old versions to today's."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pydantic import ValidationError

from schemas.errors import Broken, Invalid, UnknownType
from schemas.event import EventData
from schemas.people import CustomerRegistered, SubjectErased, SubjectOpened
from schemas.references import Door
from schemas.service import ComplaintMade
from schemas.trade import PurchaseMade

EVENTS: tuple[type[EventData], ...] = (
    SubjectOpened,
    SubjectErased,
    CustomerRegistered,
    PurchaseMade,
    ComplaintMade,
)

Upcast = Callable[[dict[str, Any]], dict[str, Any]]
"""A pure step from one version's stored data to the next one's. It moves values and never opens
them; the stored bytes do not change."""

UPCASTS: Mapping[tuple[str, int], Upcast] = {}
"""(type, version) -> the step from that version to the next."""


class Registry:
    """What may be written, and how what was written is read today.

    Raises Broken when built with a hole: an older version without an upcast would stop a reader in
    the middle of somebody's history, so it stops the start instead.
    """

    def __init__(
        self,
        events: Iterable[type[EventData]] = EVENTS,
        upcasts: Mapping[tuple[str, int], Upcast] = UPCASTS,
    ) -> None:
        self._current = {event.TYPE: event for event in events}
        self._upcasts = upcasts
        for event in self._current.values():
            for version in range(1, event.VERSION):
                if (event.TYPE, version) not in upcasts:
                    raise Broken(f"{event.TYPE} version {version} has no upcast to {version + 1}")

    @property
    def events(self) -> tuple[type[EventData], ...]:
        """The current model of every type."""
        return tuple(self._current.values())

    def current(self, event_type: str) -> type[EventData]:
        """The current model of a type that was written; raises Broken for an unknown one."""
        model = self._current.get(event_type)
        if model is None:
            raise Broken(f"{event_type} is not known to this release")
        return model

    def model(self, event_type: str, version: int) -> type[EventData]:
        """The model to write with; raises UnknownType for anything but a current version."""
        model = self._current.get(event_type)
        if model is None:
            raise UnknownType("no such event type; GET /openapi.json lists them", field="type")
        if version != model.VERSION:
            raise UnknownType(f"the current version is {model.VERSION}", field="typeversion")
        return model

    def parse(self, event_type: str, version: int, data: Any, door: Door) -> EventData:
        """Data from outside as an event with open values; raises UnknownType or Invalid."""
        model = self.model(event_type, version)
        try:
            return model.model_validate(data, context=door)
        except ValidationError as error:
            raise refusal(error) from None

    def upcast(self, event_type: str, version: int, data: dict[str, Any]) -> dict[str, Any]:
        """Stored data of any known version, as data of the current one.

        Raises Broken for a type or version that this release does not know.
        """
        model = self.current(event_type)
        if version > model.VERSION:
            raise Broken(f"{event_type} version {version} is not known to this release")
        for step in range(version, model.VERSION):
            data = self._upcasts[event_type, step](data)
        return data


_SENTENCES = {
    "missing": "is required",
    "extra_forbidden": "is not a field of this event",
    "invalid_key": "is not a field of this event",
    "string_type": "is a text",
    "string_too_short": "is not empty",
    "string_too_long": "is too long",
    "string_pattern_mismatch": "holds a character that is not allowed here",
    "int_type": "is a whole number",
    "bool_type": "is true or false",
    "uuid_parsing": "is a UUID",
    "uuid_type": "is a UUID",
    "date_from_datetime_parsing": "is a date such as 2026-01-31",
    "date_from_datetime_inexact": "is a date such as 2026-01-31",
    "date_parsing": "is a date such as 2026-01-31",
    "date_type": "is a date such as 2026-01-31",
    "datetime_parsing": "is a time such as 2026-01-31T12:00:00+01:00",
    "datetime_from_date_parsing": "is a time such as 2026-01-31T12:00:00+01:00",
    "timezone_aware": "needs a zone: 2026-01-31T12:00:00+01:00",
    "model_type": "is an object",
    "list_type": "is a list",
    "tuple_type": "is a list",
}
_FOREIGN_KEYS = {"extra_forbidden", "invalid_key"}
# Only sentences of our own and of pydantic's that never quote the input are passed on.
_OWN = {"value_error", "literal_error", "greater_than_equal", "less_than_equal"} | {
    "sealed_mark",
    "code",
    "decimal",
    "number",
    "point",
    "reference",
}
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")


def refusal(error: ValidationError) -> Invalid:
    """The first fault of a parse as a refusal with the field's path and no input."""
    first = error.errors(include_input=False, include_url=False, include_context=False)[0]
    kind = first["type"]
    path = [str(part) for part in first["loc"]]
    if kind in _FOREIGN_KEYS and not _NAME.fullmatch(path[-1]):
        # An unknown key may be something that a person typed, so only plain names are repeated.
        path[-1] = "…"
    own = first["msg"].removeprefix("Value error, ") if kind in _OWN else None
    reason = own or _SENTENCES.get(kind, "is not what the contract says here")
    return Invalid(reason, field=".".join(["data", *path]))
