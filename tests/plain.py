"""What the views must hold, computed slowly and plainly from the whole log.

Shares no code with the folds, so that a mistake in one is not repeated in the other.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

from schemas.envelope import Event

CONTACTS = {"purchase.made", "complaint.made"}


def _of(events: Iterable[Event], subject: str) -> list[Event]:
    return sorted((e for e in events if e.subject == subject), key=lambda e: e.position)


def _live(events: Iterable[Event], *types: str) -> list[Event]:
    return [e for e in events if e.traffic == "live" and e.type in types]


def _last_erasure(events: list[Event]) -> int:
    return max((e.position for e in events if e.type == "subject.erased"), default=0)


def profiles(events: list[Event]) -> dict[str, dict[str, Any]]:
    """subject -> the fields of its profile row, amounts as numbers."""
    found = {e.subject: profile(_of(events, e.subject)) for e in events}
    return {subject: row for subject, row in found.items() if row is not None}


def profile(events: list[Event]) -> dict[str, Any] | None:
    """The profile of one subject, whose events these are."""
    contacts = _live(events, *CONTACTS)
    registrations = _live(events, "customer.registered")
    openings = [e for e in events if e.type == "subject.opened"]
    erasures = [e for e in events if e.type == "subject.erased"]
    if not (contacts or registrations or openings or erasures):
        return None
    bought = _live(events, "purchase.made")
    complaints = _live(events, "complaint.made")
    last = max(contacts, key=lambda e: (e.occurred_at, e.position), default=None)
    erased = _last_erasure(events)
    return {
        "kind": openings[-1].data["kind"] if openings else None,
        "identifier": openings[-1].data["identifier"]
        if openings and openings[-1].position > erased
        else None,
        "who": _who(registrations, erased),
        "first_contact_at": min((e.occurred_at for e in contacts), default=None),
        "last_contact_at": last and last.occurred_at,
        "last_channel": last and last.data["channel"],
        "contacts": _counts(contacts),
        "purchases": len(bought),
        "purchase_lines": sum(len(e.data["lines"]) for e in bought),
        "spent": _spent(bought),
        "discounts": _discounts(bought),
        "last_purchase_at": _latest(bought),
        "complaints": len(complaints),
        "last_complaint_at": _latest(complaints),
        "erased_at": erasures[-1].occurred_at if erasures else None,
    }


def _who(registrations: list[Event], erased: int) -> dict[str, Any] | None:
    if not registrations:
        return None
    latest = max(registrations, key=lambda e: (e.occurred_at, e.position))
    if latest.position > erased:
        return latest.data
    return {name: latest.data[name] for name in ("party", "relationship")}


def _latest(events: list[Event]) -> datetime | None:
    return max((e.occurred_at for e in events), default=None)


def _counts(contacts: list[Event]) -> dict[str, dict[str, int]]:
    counts: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for e in contacts:
        counts[e.data["channel"]][e.type] += 1
    return {channel: dict(kinds) for channel, kinds in counts.items()}


def _tax(e: Event) -> str:
    return (
        str(e.data["tax_included"]).lower() if e.data.get("tax_included") is not None else "unknown"
    )


def _spent(bought: list[Event]) -> dict[str, dict[str, Decimal]]:
    sums: dict[str, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for e in bought:
        sums[e.data["net"]["currency"]][_tax(e)] += Decimal(e.data["net"]["amount"])
    return {currency: dict(by_tax) for currency, by_tax in sums.items()}


def _discounts(bought: list[Event]) -> dict[str, dict[str, Decimal]]:
    sums: dict[str, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for e in bought:
        for line in e.data["lines"]:
            for discount in line.get("discounts") or []:
                money = discount["amount"]
                sums[money["currency"]][discount["kind"]] += Decimal(money["amount"])
    return {currency: dict(by_kind) for currency, by_kind in sums.items()}


def revenue_by_day(events: list[Event]) -> dict[tuple[Any, ...], dict[str, Any]]:
    """(partition, day, channel, currency, tax_included) -> measures; nothing where all are 0."""
    out: dict[tuple[Any, ...], dict[str, Any]] = defaultdict(lambda: defaultdict(Decimal))
    for e in _live(events, "purchase.made"):
        own = (e.partition, e.business_day, e.data["channel"], e.data["net"]["currency"], _tax(e))
        touched = {own}
        out[own]["baskets"] += 1
        out[own]["lines"] += len(e.data["lines"])
        out[own]["net"] += Decimal(e.data["net"]["amount"])
        for line in e.data["lines"]:
            for discount in line.get("discounts") or []:
                where = (*own[:3], discount["amount"]["currency"], own[4])
                touched.add(where)
                kind = discount["kind"]
                kind = kind if kind in {"loyalty", "coupon", "match"} else "other"
                out[where][kind] += Decimal(discount["amount"]["amount"])
                if not discount["in_net"]:
                    out[where]["outside_net"] += Decimal(discount["amount"]["amount"])
        for where in touched:
            out[where]["rows"] += 1
    return {where: dict(sums) for where, sums in out.items()}


def revenue_by_category(events: list[Event]) -> dict[tuple[Any, ...], dict[str, Any]]:
    """(partition, day, channel, category, currency, tax_included) -> rows, lines, net."""
    out: dict[tuple[Any, ...], dict[str, Any]] = defaultdict(lambda: defaultdict(Decimal))
    for e in _live(events, "purchase.made"):
        touched = set()
        for line in e.data["lines"]:
            where = (
                *(e.partition, e.business_day, e.data["channel"], line["category"]),
                *(e.data["net"]["currency"], _tax(e)),
            )
            touched.add(where)
            out[where]["lines"] += 1
            out[where]["net"] += Decimal(line["net"]["amount"])
        for where in touched:
            out[where]["rows"] += 1
    return {where: dict(sums) for where, sums in out.items()}


def timeline(events: list[Event]) -> dict[tuple[str, int], tuple[str, Any]]:
    """(subject, position) -> type and data, without sealed values where an erasure came later."""
    return {
        (e.subject, e.position): (
            e.type,
            _blank(e.data) if e.position < _last_erasure(_of(events, e.subject)) else e.data,
        )
        for e in events
    }


def _blank(value: Any) -> Any:
    if isinstance(value, dict) and value.keys() == {"value", "subject"}:
        return {"value": None, "subject": None}
    if isinstance(value, dict):
        return {name: _blank(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_blank(inner) for inner in value]
    return None if isinstance(value, str) and value.startswith("~1.") else value
