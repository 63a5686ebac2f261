"""Revenue: the two roll-ups of purchases, summed over partitions."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Literal

from sqlalchemy import Connection, func, select

from projections.purchases import by_category, by_day
from projections.tables import of_generation

Dimension = Literal["day", "channel", "category"]


@dataclass(frozen=True, slots=True)
class Revenue:
    """Revenue of one currency and one way of taxing; None for what was not asked by.

    By category there are neither baskets nor discounts: a basket has lines of many categories.
    """

    day: date | None
    channel: str | None
    category: str | None
    currency: str
    tax_included: str
    lines: int
    net: Decimal
    baskets: int | None = None
    discounts: dict[str, Decimal] | None = None
    outside_net: Decimal | None = None


_KINDS = ("loyalty", "coupon", "match", "other")


def revenue(
    connection: Connection,
    generation: int,
    by: Collection[Dimension],
    first: date,
    last: date,
    currency: str | None = None,
) -> list[Revenue]:
    """Revenue from business day `first` to `last`, both included, summed over partitions."""
    table = of_generation(by_category if "category" in by else by_day, generation)
    asked = [table.c[name] for name in ("day", "channel", "category") if name in by]
    groups = [*asked, table.c.currency, table.c.tax_included]
    measures = [c for c in table.columns if not c.primary_key and c.name != "rows"]
    query = (
        select(*groups, *(func.sum(c).label(c.name) for c in measures))
        .where(table.c.day.between(first, last))
        .group_by(*groups)
        .order_by(*groups)
    )
    if currency is not None:
        query = query.where(table.c.currency == currency)
    return [_revenue(dict(row)) for row in connection.execute(query).mappings()]


def _revenue(sums: dict[str, Any]) -> Revenue:
    by_kind = {kind: sums[kind] for kind in _KINDS} if "loyalty" in sums else None
    return Revenue(
        day=sums.get("day"),
        channel=sums.get("channel"),
        category=sums.get("category"),
        currency=sums["currency"],
        tax_included=sums["tax_included"],
        lines=int(sums["lines"]),
        net=sums["net"],
        baskets=None if by_kind is None else int(sums["baskets"]),
        discounts=by_kind,
        outside_net=sums.get("outside_net"),
    )
