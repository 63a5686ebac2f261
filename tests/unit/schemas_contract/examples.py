"""Every event type once in full and once with the least it needs, and small stand-ins for keys."""

import base64
from collections.abc import Mapping
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from schemas.event import EventData
from schemas.personal import MARK, Erased, KeyClass, Opener, Sealer
from schemas.references import Door
from schemas.registry import Registry

REGISTRY = Registry()
ANOTHER_EVENT = "0f8fad5b-d9cb-869f-a165-70867728950e"


class Keyed:
    """Derives as the ring does, without a secret."""

    def event_id(self, source: str, channel_id: str) -> UUID:
        return uuid5(NAMESPACE_URL, f"event|{source}|{channel_id}")

    def document(self, kind: str, source: str, number: str) -> UUID:
        return uuid5(NAMESPACE_URL, f"document|{kind}|{source}|{number}")


KEYED = Keyed()


class PlainSealer(Sealer):
    """Seals so that a test can see what was sealed, under which class."""

    def seal(self, value: str, key_class: KeyClass) -> str:
        return MARK + base64.urlsafe_b64encode(f"{key_class}|{value}".encode()).decode().rstrip("=")

    def subject_of(self, identifier: str) -> str:
        return "s_" + identifier.partition(":")[0].ljust(26, "x")


class PlainOpener(Opener):
    """Opens what PlainSealer sealed, unless the key of that class is destroyed."""

    def __init__(self, *destroyed: KeyClass) -> None:
        self._destroyed = destroyed

    def open(self, token: str) -> str | Erased:
        text = token.removeprefix(MARK)
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
        key_class, _, value = raw.partition("|")
        return Erased.ERASED if key_class in self._destroyed else value


def sealed(value: str, key_class: KeyClass = "identity") -> str:
    return PlainSealer().seal(value, key_class)


def door(source: str = "shop") -> Door:
    return Door(source, "BE", KEYED)


def parsed(event_type: str, data: Any, at: Door | None = None) -> EventData:
    return REGISTRY.parse(event_type, 1, data, at or door())


def stored(event: EventData) -> dict[str, Any]:
    """The data as the store keeps it."""
    out: dict[str, Any] = event.model_dump(mode="json", exclude_none=True, context=PlainSealer())
    return out


def money(amount: str, currency: str = "EUR") -> dict[str, str]:
    return {"amount": amount, "currency": currency}


LINE = {
    "no": 1,
    "product": "4006381333931",
    "category": "stationery",
    "quantity": "2",
    "unit": "piece",
    "net": money("3.98"),
}

FULL_LINE = LINE | {
    "department": "office",
    "brand": "B-17",
    "kind": "goods",
    "list": money("4.40"),
    "tax": money("0.69"),
    "tax_rate": "0.21",
    "discounts": [
        {
            "kind": "loyalty",
            "amount": money("0.42"),
            "funded_by": "seller",
            "in_net": True,
            "campaign": "spring",
            "offer": "o-1",
            "coupon": "c-1",
        }
    ],
    "cost": money("1.1000"),
    "returns": ANOTHER_EVENT,
}

ATTACHMENT = {
    "store": "files",
    "object": "o-77",
    "media_type": "audio/ogg",
    "bytes": 3_000_000_000,
    "digest": "d1",
    "kind": "recording",
}

SMALLEST: Mapping[str, dict[str, Any]] = {
    "subject.opened": {"kind": "phone", "identifier": "02 555 01 01", "normaliser": "1"},
    "subject.erased": {"reason": "request", "keys_destroyed": 2},
    "customer.registered": {"party": "person", "relationship": "customer"},
    "purchase.made": {"channel": "store", "lines": [], "net": money("12.50")},
    "complaint.made": {"channel": "email", "via": "direct", "issue": "late"},
}

FULL: Mapping[str, dict[str, Any]] = {
    "subject.opened": SMALLEST["subject.opened"],
    "subject.erased": SMALLEST["subject.erased"] | {"request": "R-1"},
    "customer.registered": SMALLEST["customer.registered"]
    | {
        "name_given": "Ada",
        "name_middle": "Marie",
        "name_family": "Peeters",
        "name_full": "Ada Marie Peeters",
        "salutation": "dr",
        "birth_date": "1980-02",
        "points": [
            {
                "kind": "phone",
                "value": "02 555 01 01",
                "label": "home",
                "shared": True,
                "verified": "code",
            },
            {"kind": "email", "value": "Ada@Example.ORG"},
        ],
        "addresses": [
            {
                "purpose": "home",
                "lines": ["Dorpsstraat 1", "bus 2"],
                "city": "Gent",
                "region": "VOV",
                "postcode": "9000",
                "country": "BE",
            }
        ],
        "language": "nl-BE",
        "zone": "Europe/Brussels",
        "acquired_via": "store",
        "acquired_campaign": "spring",
        "referrer": {"source": "crm", "id": "ref-1"},
        "home_location": "gent-1",
        "registered_on": "2020-05-01",
    },
    "purchase.made": {
        "channel": "store",
        "location": "gent-1",
        "receipt": "0042",
        "register": "7",
        "agent": "a17",
        "lines": [FULL_LINE, LINE | {"no": 2, "net": money("-1.00")}],
        "net": money("2.98"),
        "tax": money("0.52"),
        "tax_included": True,
        "paid": money("2.98"),
        "tenders": [{"method": "card", "amount": money("2.98"), "card": "4242"}],
        "rep": {
            "amount": money("3.21", "USD"),
            "rate": "1.0772",
            "rate_date": "2026-01-31",
            "rate_source": "ecb",
        },
        "order": {"source": "web", "number": "W-9"},
        "programme": "club",
        "campaign": "spring",
        "employee_sale": False,
        "recurring": "S-1",
    },
    "complaint.made": {
        "channel": "voice",
        "location": "gent-1",
        "agent": "a17",
        "campaign": "spring",
        "case": "T-100",
        "about": [ANOTHER_EVENT, {"id": "0042"}],
        "language": "fr",
        "cost": money("4"),
        "complaint": "C-2026-1",
        "via": "ombudsman",
        "product": "loan",
        "sub_product": "mortgage",
        "issue": "fees",
        "sub_issue": "late fee",
        "text": "They charged me twice.",
        "severity": "high",
        "wanted": "refund",
        "disputed": money("25.00"),
        "forwarded_on": "2026-01-30",
        "answer_by": "2026-03-01",
        "repeat_of": ANOTHER_EVENT,
        "attachments": [ATTACHMENT | {"name": "call with Ada.ogg"}],
    },
}
