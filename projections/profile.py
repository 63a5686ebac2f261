"""The profile view: who somebody is and what he did, a row per subject; and his purchases."""

from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Integer,
    MetaData,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import JSONB

from projections.purchases import PURCHASES, tax_included
from projections.view import ERASED, Key, Kind, View, changer
from schemas.envelope import Event
from schemas.people import CustomerRegistered, SubjectOpened
from schemas.registry import EVENTS
from schemas.service import ComplaintMade
from schemas.trade import PurchaseMade

profiles = Table(
    "profile",
    MetaData(),
    Column("subject", Text(collation="C"), primary_key=True),
    Column("partition", Integer, nullable=False),
    Column("kind", Text),
    Column("identifier", Text),
    Column("who", JSONB),
    Column("who_at", DateTime(timezone=True)),
    Column("who_position", BigInteger),
    Column("first_contact_at", DateTime(timezone=True)),
    Column("last_contact_at", DateTime(timezone=True)),
    Column("last_contact_position", BigInteger),
    Column("last_channel", Text),
    Column("contacts", JSONB, nullable=False),
    Column("purchases", BigInteger, nullable=False),
    Column("purchase_lines", BigInteger, nullable=False),
    Column("spent", JSONB, nullable=False),
    Column("discounts", JSONB, nullable=False),
    Column("last_purchase_at", DateTime(timezone=True)),
    Column("complaints", BigInteger, nullable=False),
    Column("last_complaint_at", DateTime(timezone=True)),
    Column("erased_at", DateTime(timezone=True)),
)


_NONE: dict[str, Any] = {}
"""One for all new rows: a fold makes other values, it never changes one."""


class Profile(NamedTuple):
    """One subject. Sealed: `identifier`, and the personal values in `who`.

    `who` is the data of the registration that counts: the latest by (occurred_at, position).
    `contacts`: channel -> event type -> count. `spent`: currency -> tax_included -> net, amounts as
    text. `discounts`: currency -> kind -> amount as text.
    """

    subject: str
    partition: int
    kind: str | None = None
    identifier: str | None = None
    who: dict[str, Any] | None = None
    who_at: datetime | None = None
    who_position: int | None = None
    first_contact_at: datetime | None = None
    last_contact_at: datetime | None = None
    last_contact_position: int | None = None
    last_channel: str | None = None
    contacts: dict[str, dict[str, int]] = _NONE
    purchases: int = 0
    purchase_lines: int = 0
    spent: dict[str, dict[str, str]] = _NONE
    discounts: dict[str, dict[str, str]] = _NONE
    last_purchase_at: datetime | None = None
    complaints: int = 0
    last_complaint_at: datetime | None = None
    erased_at: datetime | None = None


_changed = changer(Profile)

TOUCHPOINTS = frozenset(event.TYPE for event in EVENTS if event.TOUCHPOINT)
_LIVE_ONLY = TOUCHPOINTS | {CustomerRegistered.TYPE}
_ALWAYS = frozenset({SubjectOpened.TYPE, ERASED})


def keys(event: Event) -> tuple[Key, ...]:
    """The subject's own row; tests and training neither count nor say who somebody is."""
    if event.type in _ALWAYS or (event.type in _LIVE_ONLY and event.traffic == "live"):
        return ((event.subject,),)
    return ()


def fold(row: Profile | None, event: Event) -> Profile:
    """The subject as it stands after the event."""
    row = row or Profile(event.subject, event.partition)
    if event.type in TOUCHPOINTS:
        return _contacted(row, event)
    if event.type == SubjectOpened.TYPE:
        return row._replace(kind=event.data["kind"], identifier=event.data["identifier"])
    if event.type == ERASED:
        return row._replace(erased_at=event.occurred_at)
    return _registered(row, event)


def _registered(row: Profile, event: Event) -> Profile:
    if row.who_at is not None and (event.occurred_at, event.position) < (
        row.who_at,
        row.who_position or 0,
    ):
        return row
    return row._replace(who=event.data, who_at=event.occurred_at, who_position=event.position)


def _contacted(row: Profile, event: Event) -> Profile:
    at = event.occurred_at
    channel = event.data.get("channel") or "unknown"
    new: dict[str, Any] = {"contacts": _plus(row.contacts, channel, event.type)}
    if row.first_contact_at is None or at < row.first_contact_at:
        new["first_contact_at"] = at
    last = row.last_contact_at
    if last is None or (at, event.position) > (last, row.last_contact_position or 0):
        new |= {
            "last_contact_at": at,
            "last_contact_position": event.position,
            "last_channel": channel,
        }
    if event.type == PurchaseMade.TYPE:
        _bought(row, event, new)
    elif event.type == ComplaintMade.TYPE:
        new["complaints"] = row.complaints + 1
        new["last_complaint_at"] = _later(row.last_complaint_at, at)
    return _changed(row, new)


def _bought(row: Profile, event: Event, new: dict[str, Any]) -> None:
    data = event.data
    net = data["net"]
    new["purchases"] = row.purchases + 1
    new["purchase_lines"] = row.purchase_lines + len(data["lines"])
    new["spent"] = _plus_money(row.spent, net["currency"], tax_included(data), net["amount"])
    new["last_purchase_at"] = _later(row.last_purchase_at, event.occurred_at)
    sums: dict[tuple[str, str], Decimal] = {}
    for line in data["lines"]:
        if discounts := line.get("discounts"):
            for discount in discounts:
                money = discount["amount"]
                where = money["currency"], discount["kind"]
                sums[where] = sums.get(where, _ZERO) + Decimal(money["amount"])
    for (currency, kind), amount in sums.items():
        known = new.get("discounts", row.discounts)
        new["discounts"] = _plus_money(known, currency, kind, str(amount))


# What may stay of a registration: nothing that names, reaches or leads to somebody.
_STAYS = frozenset(
    {"party", "relationship", "language", "acquired_via", "acquired_campaign", "home_location"}
)


def erase(row: Profile) -> Profile:
    """What happened stays; who it was goes."""
    who = row.who and {name: value for name, value in row.who.items() if name in _STAYS}
    return row._replace(identifier=None, who=who)


PROFILE = View("profile", 1, (Kind(profiles, Profile, keys, fold, erase), PURCHASES))

_ZERO = Decimal()


def _plus(counts: dict[str, dict[str, int]], outer: str, inner: str) -> dict[str, dict[str, int]]:
    known = counts.get(outer, {})
    return {**counts, outer: {**known, inner: known.get(inner, 0) + 1}}


def _plus_money(
    sums: dict[str, dict[str, str]], outer: str, inner: str, amount: str
) -> dict[str, dict[str, str]]:
    # A sum has as many digits behind the point as its longest addend, in whatever order they come.
    known = sums.get(outer, {})
    return {**sums, outer: {**known, inner: str(Decimal(known.get(inner, "0")) + Decimal(amount))}}


def _later(known: datetime | None, at: datetime) -> datetime:
    return at if known is None or at > known else known
