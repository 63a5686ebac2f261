"""Examples for the contract (OpenAPI): what to send, and what comes back."""

from collections.abc import Mapping
from typing import Any

_MONEY = {"amount": "12.34", "currency": "EUR"}
_SUBJECT = "s_qkzvmtwhcaplnbxyeudjrsfgio"
_POINT = "s_wjtnbqlrxkvczhdmyfuapgesoi"

SENT: dict[str, Any] = {
    "specversion": "1.0",
    "source": "shop",
    "id": "order-4711",
    "type": "purchase.made",
    "subject": "crm:1001",
    "time": "2026-01-31T12:00:00+01:00",
    "data": {
        "channel": "web",
        "lines": [
            {
                "no": 1,
                "product": "A-100",
                "category": "lamps",
                "quantity": "1",
                "unit": "piece",
                "net": _MONEY,
            }
        ],
        "net": _MONEY,
    },
}
BATCH_SENT = [SENT]
RECEIPT = {
    "stream": f"{_SUBJECT}/touchpoint/6f0d0f53-1d5c-8c1a-9f0e-2b8a4f6f3c11",
    "version": 1,
    "event_ids": ["6f0d0f53-1d5c-8c1a-9f0e-2b8a4f6f3c11"],
    "duplicate": False,
    "token": "9c3f2a.5-2",
}
BATCH_ANSWER = {
    "accepted": 9_999,
    "duplicate": 0,
    "conflict": 0,
    "rejected": 1,
    "token": "9c3f2a.0-801.5-795",
    "items": [
        {
            "index": 17,
            "outcome": "rejected",
            "code": "invalid",
            "field": "data.net",
            "reason": "is required",
        }
    ],
}
EVENT = SENT | {
    "id": "6f0d0f53-1d5c-8c1a-9f0e-2b8a4f6f3c11",
    "typeversion": 1,
    "subject": _SUBJECT,
    "timeprecision": "second",
    "timebasis": "reported",
    "businessdate": "2026-01-31",
    "traffic": "live",
    "recordedtime": "2026-01-31T11:00:00.120000+00:00",
    "actor": "channel:shop",
    "correlationid": "6f0d0f53-1d5c-8c1a-9f0e-2b8a4f6f3c11",
    "partition": 5,
    "position": 2,
    "sequence": 2,
    "datacontenttype": "application/json",
}
LOOKUP = {"source": "shop", "id": "order-4711"}
FRESHNESS = {"state": "fresh", "sequences": {"5": 2}, "lag_seconds": 0.0}
REGISTRATION = {
    "party": "person",
    "relationship": "customer",
    "name_full": "Ada Example",
    "points": [{"kind": "phone", "value": "+32 2 555 01 01"}],
}

IDENTIFIER = {"identifier": "phone:+32 2 555 01 01"}
CUSTOMER = {
    "data": {
        "subjects": [_SUBJECT],
        "identifiers": [{"subject": _SUBJECT, "kind": "crm", "value": "1001"}],
        "registration": REGISTRATION
        | {"points": [{"kind": "phone", "value": {"value": "+32 2 555 01 01", "subject": _POINT}}]},
        "registered_at": "2026-01-31T11:00:00+00:00",
        "first_contact_at": "2026-01-31T11:00:00+00:00",
        "last_contact": {"at": "2026-01-31T11:00:00+00:00", "channel": "web"},
        "contacts": {"web": {"purchase.made": 1}},
        "purchases": {
            "count": 1,
            "lines": 1,
            "net": {"EUR": {"unknown": "12.34"}},
            "discounts": {},
            "last_at": "2026-01-31T11:00:00+00:00",
        },
        "complaints": {"count": 0, "last_at": None},
        "erased": [],
    },
    "freshness": FRESHNESS,
}
TIMELINE = {
    "data": [
        {
            "event_id": EVENT["id"],
            "subject": _SUBJECT,
            "position": 2,
            "type": "purchase.made",
            "version": 1,
            "channel": "web",
            "occurred_at": "2026-01-31T12:00:00+01:00",
            "precision": "second",
            "basis": "reported",
            "business_day": "2026-01-31",
            "recorded_at": "2026-01-31T11:00:00.120000+00:00",
            "source": "shop",
            "actor": "channel:shop",
            "traffic": "live",
            "data": SENT["data"],
        }
    ],
    "cursor": None,
    "freshness": FRESHNESS,
}
PURCHASES = {
    "data": [
        {
            "subject": _SUBJECT,
            "purchase": EVENT["id"],
            "occurred_at": "2026-01-31T11:00:00+00:00",
            "business_day": "2026-01-31",
            "channel": "web",
            "location": None,
            "currency": "EUR",
            "tax_included": "unknown",
            "net": "12.34",
            "lines": [
                {
                    "product": "A-100",
                    "category": "lamps",
                    "quantity": "1",
                    "unit": "piece",
                    "net": "12.34",
                }
            ],
        }
    ],
    "cursor": None,
    "freshness": FRESHNESS,
}
REVENUE = {
    "data": [
        {
            "day": "2026-01-31",
            "currency": "EUR",
            "tax_included": "unknown",
            "lines": 1,
            "net": "12.34",
            "baskets": 1,
            "discounts": {"loyalty": "0.00", "coupon": "0.00", "match": "0.00", "other": "0.00"},
            "outside_net": "0.00",
        }
    ],
    "freshness": FRESHNESS,
}


def body(examples: Mapping[str, Any]) -> dict[str, Any]:
    """The OpenAPI of a request body: media type -> example."""
    content = {kind: {"schema": {}, "example": example} for kind, example in examples.items()}
    return {"requestBody": {"required": True, "content": content}}


def shown(description: str, example: Any) -> dict[str, Any]:
    """The OpenAPI of an answer with its example."""
    return {"description": description, "content": {"application/json": {"example": example}}}
