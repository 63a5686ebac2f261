"""Purchases, a kind of row of the profile view: a row each, and revenue in two roll-ups."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Date,
    DateTime,
    Index,
    Integer,
    MetaData,
    Numeric,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB

from projections.paging import Page, newest
from projections.tables import of_generation
from projections.view import Key, Kind, Rollup
from schemas.envelope import Event
from schemas.trade import PurchaseMade

_metadata = MetaData()
_MONEY = Numeric(19, 4)
_SUM = Numeric(28, 4)

purchases = Table(
    "profile_purchases",
    _metadata,
    Column("subject", Text(collation="C"), primary_key=True),
    Column("purchase", Uuid, primary_key=True),
    Column("partition", Integer, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("occurred_at", DateTime(timezone=True), nullable=False),
    Column("business_day", Date, nullable=False),
    Column("channel", Text(collation="C"), nullable=False),
    Column("location", Text(collation="C")),
    Column("currency", Text(collation="C"), nullable=False),
    Column("tax_included", Text(collation="C"), nullable=False),
    Column("net", _MONEY, nullable=False),
    Column("lines", JSONB, nullable=False),
    Index("profile_purchases_newest", "subject", "occurred_at", "position"),
)

by_day = Table(
    "profile_revenue_by_day",
    _metadata,
    Column("partition", Integer, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("channel", Text(collation="C"), primary_key=True),
    Column("currency", Text(collation="C"), primary_key=True),
    Column("tax_included", Text(collation="C"), primary_key=True),
    Column("rows", BigInteger, nullable=False),
    Column("baskets", BigInteger, nullable=False),
    Column("lines", BigInteger, nullable=False),
    Column("net", _SUM, nullable=False),
    Column("loyalty", _SUM, nullable=False),
    Column("coupon", _SUM, nullable=False),
    Column("match", _SUM, nullable=False),
    Column("other", _SUM, nullable=False),
    Column("outside_net", _SUM, nullable=False),
)

by_category = Table(
    "profile_revenue_by_category",
    _metadata,
    Column("partition", Integer, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("channel", Text(collation="C"), primary_key=True),
    Column("category", Text(collation="C"), primary_key=True),
    Column("currency", Text(collation="C"), primary_key=True),
    Column("tax_included", Text(collation="C"), primary_key=True),
    Column("rows", BigInteger, nullable=False),
    Column("lines", BigInteger, nullable=False),
    Column("net", _SUM, nullable=False),
)


class Purchase(NamedTuple):
    """One purchase; it holds no personal value.

    `lines`: product, category, quantity, unit, net and discounts (kind, amount, currency, in_net),
    amounts and quantity as text; `net` is in the purchase's currency.
    """

    subject: str
    purchase: UUID
    partition: int
    position: int
    occurred_at: datetime
    business_day: date
    channel: str
    location: str | None
    currency: str
    tax_included: str
    net: Decimal
    lines: list[dict[str, Any]]


def keys(event: Event) -> tuple[Key, ...]:
    """A live purchase; tests and training stay out of revenue."""
    if event.type == PurchaseMade.TYPE and event.traffic == "live":
        return ((event.subject, event.event_id),)
    return ()


def fold(_row: Purchase | None, event: Event) -> Purchase:
    """The purchase that the event reports."""
    data = event.data
    net = data["net"]
    return Purchase(
        event.subject,
        event.event_id,
        event.partition,
        event.position,
        event.occurred_at,
        event.business_day,
        data["channel"],
        data.get("location"),
        net["currency"],
        tax_included(data),
        Decimal(net["amount"]),
        [_line(line) for line in data["lines"]],
    )


def _line(line: dict[str, Any]) -> dict[str, Any]:
    # Less than the event's own: a basket of nine whole lines is past the size at which PostgreSQL
    # begins to compress, which took as long as everything else of a rebuild.
    short = {
        "product": line["product"],
        "category": line["category"],
        "quantity": line["quantity"],
        "unit": line["unit"],
        "net": line["net"]["amount"],
    }
    if discounts := line.get("discounts"):
        short["discounts"] = [
            {
                "kind": discount["kind"],
                "amount": discount["amount"]["amount"],
                "currency": discount["amount"]["currency"],
                "in_net": discount["in_net"],
            }
            for discount in discounts
        ]
    return short


def erase(row: Purchase) -> Purchase:
    """What was bought stays in the books; the row holds nothing personal."""
    return row


_TAX = {True: "true", False: "false", None: "unknown"}


def tax_included(data: dict[str, Any]) -> str:
    """`true`, `false` or `unknown`: nets of different ones are never added."""
    return _TAX[data.get("tax_included")]


_DISCOUNTS = {"loyalty": 3, "coupon": 4, "match": 5}
_OTHER, _OUTSIDE_NET = 6, 7
_Sums = list[int | Decimal]
ZERO = Decimal()


def count_by_day(row: Purchase) -> dict[tuple[Any, ...], _Sums]:
    """Baskets, lines, net and discounts by kind.

    Discounts are measured, never subtracted: `net` has off what the seller bears. `outside_net` is
    the part of them that somebody else bears (a manufacturer's coupon): paid = net - outside_net.
    """
    where = (row.business_day, row.channel, row.currency, row.tax_included)
    own: _Sums = [1, len(row.lines), row.net, ZERO, ZERO, ZERO, ZERO, ZERO]
    counts: dict[tuple[Any, ...], _Sums] = {where: own}
    for line in row.lines:
        for discount in line.get("discounts", ()):
            sums = own
            if discount["currency"] != row.currency:
                other = (row.business_day, row.channel, discount["currency"], row.tax_included)
                sums = counts.setdefault(other, [0, 0, ZERO, ZERO, ZERO, ZERO, ZERO, ZERO])
            amount = Decimal(discount["amount"])
            sums[_DISCOUNTS.get(discount["kind"], _OTHER)] += amount
            if not discount["in_net"]:
                sums[_OUTSIDE_NET] += amount
    return counts


def count_by_category(row: Purchase) -> dict[tuple[Any, ...], _Sums]:
    """Lines and net by category."""
    by_category: dict[str, _Sums] = {}
    for line in row.lines:
        sums = by_category.get(line["category"])
        if sums is None:
            by_category[line["category"]] = [1, Decimal(line["net"])]
        else:
            sums[0] += 1
            sums[1] += Decimal(line["net"])
    day, channel, currency, tax = row.business_day, row.channel, row.currency, row.tax_included
    return {(day, channel, category, currency, tax): sums for category, sums in by_category.items()}


PURCHASES = Kind(
    purchases,
    Purchase,
    keys,
    fold,
    erase,
    (Rollup(by_day, count_by_day), Rollup(by_category, count_by_category)),
    once=True,
)


def newest_purchases(
    connection: Connection, generation: int, subjects: Sequence[str], page: Page
) -> list[Purchase]:
    """One page of a customer's purchases, newest first."""
    table = of_generation(purchases, generation)
    return [Purchase(*row) for row in newest(connection, table, subjects, page)]
