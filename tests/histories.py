"""Random histories of a few subjects, holding every registered type, in the order of the store."""

from datetime import datetime, timedelta, timezone
from random import Random
from typing import Any

from hypothesis import strategies as st

from schemas.envelope import Event
from schemas.registry import EVENTS
from tests.recorded import numbered, recorded

NAMES = ("ann", "bob", "cem", "dee")
_CHANNELS = st.sampled_from(["voice", "email", "web", "in_person"])
_CURRENCIES = st.sampled_from(["EUR", "USD"])
_AMOUNTS = st.sampled_from(["0", "1.00", "2.5", "10.0001", "-3.25", "999999999999999.9999"])
_SMALL = st.sampled_from(["0.10", "1", "2.5"])
_TIMES = st.builds(
    lambda hours, offset: (
        datetime(2026, 3, 1, tzinfo=timezone(timedelta(hours=offset))) + timedelta(hours=hours)
    ),
    st.integers(0, 60),
    st.sampled_from([-5, 0, 2]),
)


def _money(amounts: st.SearchStrategy[str], currency: str) -> st.SearchStrategy[dict[str, str]]:
    return amounts.map(lambda amount: {"amount": amount, "currency": currency})


@st.composite
def _discount(draw: st.DrawFn) -> dict[str, Any]:
    return {
        "kind": draw(st.sampled_from(["loyalty", "coupon", "match", "manual", "tier"])),
        "amount": draw(_CURRENCIES.flatmap(lambda currency: _money(_SMALL, currency))),
        "funded_by": "seller",
        "in_net": draw(st.booleans()),
    }


@st.composite
def _purchase(draw: st.DrawFn) -> dict[str, Any]:
    currency = draw(_CURRENCIES)
    lines = [
        {
            "no": no,
            "product": "p",
            "category": draw(st.sampled_from(["food", "toys"])),
            "quantity": "1",
            "unit": "piece",
            "net": draw(_money(_AMOUNTS, currency)),
            **draw(st.sampled_from([{}, {"discounts": None}])),
            **({"discounts": draw(st.lists(_discount(), max_size=2))} if no < 2 else {}),
        }
        for no in range(draw(st.integers(0, 3)))
    ]
    data = {"channel": draw(_CHANNELS), "net": draw(_money(_AMOUNTS, currency)), "lines": lines}
    tax = draw(st.sampled_from(["absent", None, True, False]))
    return data if tax == "absent" else data | {"tax_included": tax}


@st.composite
def _registration(draw: st.DrawFn) -> dict[str, Any]:
    name = draw(st.sampled_from(["~1.Ann", "~1.Bob"]))
    points = [{"kind": "phone", "value": {"value": "~1.+32", "subject": "s_phone"}}]
    return {
        "party": draw(st.sampled_from(["person", "household"])),
        "relationship": "customer",
        "name_family": name,
        "birth_date": draw(st.sampled_from([None, "~1.1980"])),
        "points": draw(st.sampled_from([None, points])),
    }


_COMPLAINTS = _CHANNELS.map(
    lambda channel: {"channel": channel, "via": "direct", "issue": "late", "text": "~1.why"}
)
_OPENINGS = st.just({"kind": "phone", "identifier": "~1.+3225550101", "normaliser": "1"})
_ERASURES = st.just({"reason": "request", "keys_destroyed": 1})

_DATA: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "subject.opened": _OPENINGS,
    "subject.erased": _ERASURES,
    "customer.registered": _registration(),
    "purchase.made": _purchase(),
    "complaint.made": _COMPLAINTS,
}
# A type that has no strategy of its own comes with the one field that every view looks at.
_ANY = _CHANNELS.map(lambda channel: {"channel": channel, "note": "~1.note"})
_TYPES = sorted(event.TYPE for event in EVENTS)


@st.composite
def _event(draw: st.DrawFn) -> Event:
    event_type = draw(st.sampled_from(_TYPES))
    at = draw(_TIMES)
    return recorded(
        draw(st.sampled_from(NAMES)),
        event_type,
        draw(_DATA.get(event_type, _ANY)),
        occurred_at=at,
        business_day=at.date() - timedelta(days=draw(st.integers(0, 1))),
        traffic=draw(st.sampled_from(["live", "live", "live", "test", "training"])),
    )


def histories(max_size: int = 25) -> st.SearchStrategy[list[Event]]:
    """Logs of up to `max_size` events, erasures anywhere among them."""
    return st.lists(_event(), max_size=max_size).map(numbered)


def deliveries(log: list[Event]) -> st.SearchStrategy[list[list[Event]]]:
    """Ways in which a feed may hand a log over: partitions interleaved, in batches, some of it
    again. Within a partition the order of the log is kept, and nothing is left out.
    """
    # Drawn by a seeded generator: drawn one by one, the many small choices took most of a test.
    return st.integers(0, 2**32).map(lambda seed: _delivery(log, Random(seed)))


def _delivery(log: list[Event], chance: Random) -> list[list[Event]]:
    queues: dict[int, list[Event]] = {}
    for event in log:
        queues.setdefault(event.partition, []).append(event)
    sent = dict.fromkeys(queues, 0)
    batches: list[list[Event]] = []
    while any(sent[p] < len(queue) for p, queue in queues.items()):
        batch: list[Event] = []
        for partition in chance.sample(sorted(queues), len(queues)):
            start = chance.randint(max(0, sent[partition] - 2), sent[partition])
            end = chance.randint(sent[partition], len(queues[partition]))
            batch += queues[partition][start:end]
            sent[partition] = end
        batches.append(batch)
    return batches
