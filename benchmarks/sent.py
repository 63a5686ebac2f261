"""What the benchmarks send: purchases of two lines with a receipt number, and complaints."""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

from backbone.wiring import Store
from schemas.canonical import canonical
from schemas.cloudevents import from_json
from schemas.identifiers import parse_identifier
from schemas.references import Door
from store.drafts import Draft
from store.sealing import DataKey

REGION = "BE"
NET = Decimal("12.50")
"""Every purchase's."""

_DISCOUNT = {
    "kind": "loyalty",
    "amount": {"amount": "0.50", "currency": "EUR"},
    "funded_by": "seller",
    "in_net": True,
}
_LINES = [
    {
        "no": no,
        "product": f"P-{no:05}",
        "category": category,
        "quantity": "1",
        "unit": "piece",
        "net": {"amount": amount, "currency": "EUR"},
        "discounts": [_DISCOUNT],
    }
    for no, category, amount in [(1, "dairy", "4.25"), (2, "bakery", "8.25")]
]


def purchase(number: int, customer: int) -> dict[str, Any]:
    """A structured CloudEvent; its receipt number is its one personal value."""
    data = {
        "channel": "store",
        "location": f"S-{number % 40:03}",
        "receipt": f"2026-{number:08}",
        "net": {"amount": str(NET), "currency": "EUR"},
        "tax_included": True,
        "lines": _LINES,
    }
    return _event("purchase.made", number, customer, data)


def complaint(number: int, customer: int) -> dict[str, Any]:
    """A structured CloudEvent; its text is sealed under the customer's content key."""
    data = {"channel": "voice", "via": "direct", "issue": "late", "text": f"Late again, {number}."}
    return _event("complaint.made", number, customer, data)


def purchases(count: int, customers: int, first: int = 0) -> Iterator[dict[str, Any]]:
    """So many purchases of so many customers, who take turns; numbered from `first`."""
    return (purchase(first + n, n % customers) for n in range(count))


def draft(store: Store, event: dict[str, Any]) -> Draft:
    """A CloudEvent as the appender takes it: read and parsed already."""
    reported = from_json(event)
    door = Door(reported.source, REGION, store.ids)
    event_id = store.ids.event_id(reported.source, reported.channel_id)
    content = {"type": reported.type, "subject": reported.subject, "data": reported.data}
    return Draft(
        event_id=event_id,
        data=store.registry.parse(reported.type, reported.version, reported.data, door),
        content=canonical(content | reported.sent),
        who=parse_identifier(str(reported.subject), REGION),
        stream=f"touchpoint/{event_id}",
        when=reported.when,
        source=reported.source,
        actor=f"channel:{reported.source}",
        points=door.points,
    )


def drafts(store: Store, events: Iterable[dict[str, Any]]) -> list[Draft]:
    """Many of them."""
    return [draft(store, event) for event in events]


def unsealed(_key: DataKey, _subject: str, _event_id: object, value: str) -> str:
    """Sealing taken out: the value goes into the store as it came."""
    return value


def _event(kind: str, number: int, customer: int, data: dict[str, Any]) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": f"{kind} {number}",
        "source": "shop",
        "type": kind,
        "subject": f"crm:{customer}",
        "time": f"2026-01-{number % 28 + 1:02}T12:00:00+01:00",
        "data": data,
    }
