"""The demo's one made-up customer: who she is, what she bought, what she complained of.

Her events have ids of their own, so that a second run finds them as known.
"""

from typing import Any

REGISTRATION: dict[str, Any] = {
    "party": "person",
    "relationship": "customer",
    "name_full": "Ada Example",
    "time": "2026-01-05T09:00:00+01:00",
    "points": [{"kind": "email", "value": "ada@example.com", "label": "home"}],
}


def purchase(who: str) -> dict[str, Any]:
    """Her purchase, as a shop reports it."""
    net = {"amount": "49.90", "currency": "EUR"}
    line = {"no": 1, "product": "L-17", "category": "lamps", "quantity": "1", "unit": "piece"}
    data = {"channel": "web", "lines": [{**line, "net": net}], "net": net}
    return _event("demo-purchase", "purchase.made", who, "2026-01-10T18:30:00+01:00", data)


def complaint(who: str) -> dict[str, Any]:
    """Her complaint, as it came by mail."""
    data = {
        "channel": "email",
        "via": "direct",
        "issue": "late_delivery",
        "text": "The lamp has not arrived yet.",
    }
    return _event("demo-complaint", "complaint.made", who, "2026-01-14T08:12:00+01:00", data)


def _event(event_id: str, event_type: str, who: str, at: str, data: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "source": "demo",
        "id": event_id,
        "type": event_type,
        "subject": who,
        "time": at,
        "data": data,
    }
