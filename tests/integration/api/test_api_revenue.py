"""Given purchases, when revenue is asked for, then their sums come by what was asked."""

from typing import Any

import pytest

from tests.serving import Served, money, purchase, unique

DAYS = {"first": "1999-12-30", "last": "2000-01-02"}


def bought(
    net: str, day: str, channel: str, category: str, currency: str = "EUR", **data: Any
) -> dict[str, Any]:
    line = {"no": 1, "product": "p", "category": category, "quantity": "1", "unit": "piece"}
    amount = money(net, currency)
    own = {"channel": channel, "net": amount, "lines": [line | {"net": amount}]} | data
    return purchase(unique("crm:"), time=f"{day}T12:00:00+01:00", data=own)


@pytest.fixture(scope="module")
def sold(served: Served) -> Served:
    """Five purchases at the turn of a century that no other test trades in."""
    answer = served.batch(
        [
            bought("10.00", "1999-12-30", "web", "lamps"),
            bought("2.50", "1999-12-30", "in_person", "lamps"),
            bought("4.00", "2000-01-01", "web", "chairs", tax_included=True),
            bought("7.00", "2000-01-02", "web", "chairs", currency="USD"),
            bought("1.00", "2000-01-03", "web", "lamps"),
        ]
    )
    assert answer["accepted"] == 5
    served.get("/v1/sales/revenue", at_least=answer["token"])
    return served


def sums(sold: Served, *names: str, **query: str) -> list[tuple[Any, ...]]:
    rows = sold.get("/v1/sales/revenue", **(DAYS | query))["data"]
    return [tuple(row[name] for name in (*names, "currency", "net")) for row in rows]


def test_by_day_unless_said(sold: Served) -> None:
    assert sums(sold, "day") == [
        ("1999-12-30", "EUR", "12.50"),
        ("2000-01-01", "EUR", "4.00"),
        ("2000-01-02", "USD", "7.00"),
    ]


def test_by_channel_and_by_category_and_by_several(sold: Served) -> None:
    assert sums(sold, "channel", by="channel", currency="EUR") == [
        ("in_person", "EUR", "2.50"),
        ("web", "EUR", "4.00"),
        ("web", "EUR", "10.00"),
    ]
    assert sums(sold, "category", by="category", currency="EUR") == [
        ("chairs", "EUR", "4.00"),
        ("lamps", "EUR", "12.50"),
    ]
    assert sums(sold, "day", "channel", "category", by="category,day,channel") == [
        ("1999-12-30", "in_person", "lamps", "EUR", "2.50"),
        ("1999-12-30", "web", "lamps", "EUR", "10.00"),
        ("2000-01-01", "web", "chairs", "EUR", "4.00"),
        ("2000-01-02", "web", "chairs", "USD", "7.00"),
    ]


def test_nets_with_and_without_tax_are_never_added(sold: Served) -> None:
    rows = sold.get("/v1/sales/revenue", by="", currency="EUR", **DAYS)["data"]

    assert [(row["tax_included"], row["net"], row["baskets"]) for row in rows] == [
        ("true", "4.00", 1),
        ("unknown", "12.50", 2),
    ]


def test_the_last_day_is_included_and_no_other(sold: Served) -> None:
    assert sums(sold, "day", first="2000-01-03", last="2000-01-03") == [
        ("2000-01-03", "EUR", "1.00")
    ]
    assert sums(sold, first="2000-01-03", last="1999-12-30") == []
    assert sums(sold, currency="JPY") == []


@pytest.mark.parametrize(
    "by", ["day", "channel", "category", "day,channel", "", "category,channel"]
)
def test_every_way_adds_up_to_the_same(sold: Served, by: str) -> None:
    rows = sold.get("/v1/sales/revenue", by=by, currency="EUR", **DAYS)["data"]

    assert sum(float(row["net"]) for row in rows) == 16.5
    assert sum(row["lines"] for row in rows) == 3
