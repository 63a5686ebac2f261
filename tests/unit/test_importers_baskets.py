"""A basket becomes one purchase, and a damaged row takes its whole basket out."""

from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from importers.items import Damaged, Fault
from schemas.cloudevents import from_json
from schemas.references import Door
from schemas.registry import Registry
from tests.importing import PRODUCTS, Derived, events, folder_of, items, line, write


def money(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "USD"}


def faults(folder: Path) -> list[Fault]:
    return [f for item in items(folder) if isinstance(item, Damaged) for f in item.faults]


def test_a_basket_becomes_one_purchase_with_its_lines_in_order_of_product(tmp_path: Path) -> None:
    rows = [
        line(product_id=32, quantity=2, sales_value=4.0, retail_disc=0.5, coupon_disc=1.0),
        line(product_id=31, sales_value=0.99, coupon_match_disc=0.25),
    ]
    assert events(folder_of(tmp_path, rows)) == [
        {
            "specversion": "1.0",
            "id": "basket:500",
            "source": "complete-journey",
            "type": "purchase.made",
            "subject": "household:7",
            "time": "2017-06-01T12:00:00-04:00",
            "data": {
                "channel": "in_person",
                "location": "12",
                "lines": [
                    {
                        "no": 1,
                        "product": "31",
                        "category": "MILK",
                        "department": "DAIRY",
                        "brand": "Private",
                        "quantity": "1",
                        "unit": "unknown",
                        "list": money("1.24"),
                        "net": money("0.99"),
                        "discounts": [
                            {
                                "kind": "match",
                                "amount": money("0.25"),
                                "funded_by": "seller",
                                "in_net": True,
                            }
                        ],
                    },
                    {
                        "no": 2,
                        "product": "32",
                        "category": "CHEESE",
                        "department": "DAIRY",
                        "brand": "National",
                        "quantity": "2",
                        "unit": "unknown",
                        "list": money("4.50"),
                        "net": money("4.00"),
                        "discounts": [
                            {
                                "kind": "loyalty",
                                "amount": money("0.50"),
                                "funded_by": "seller",
                                "in_net": True,
                            },
                            {
                                "kind": "coupon",
                                "amount": money("1.00"),
                                "funded_by": "manufacturer",
                                "in_net": False,
                            },
                        ],
                    },
                ],
                "net": money("4.99"),
                "paid": money("3.99"),
            },
        }
    ]


def test_zero_and_negative_sales_and_baskets_that_total_nothing_go_through(tmp_path: Path) -> None:
    rows = [
        line(product_id=31, quantity=0, sales_value=0.0),
        line(product_id=32, quantity=-1, sales_value=-1.5),
        line(product_id=33, quantity=1, sales_value=1.5, coupon_disc=2.0),
        line(basket_id=501, sales_value=0.0),
    ]
    first, second = events(folder_of(tmp_path, rows))
    assert [cell["net"]["amount"] for cell in first["data"]["lines"]] == ["0.00", "-1.50", "1.50"]
    assert [cell["quantity"] for cell in first["data"]["lines"]] == ["0", "-1", "1"]
    assert first["data"]["net"] == money("0.00")
    assert first["data"]["paid"] == money("-2.00")
    assert second["data"]["net"] == money("0.00")
    for event in (first, second):
        reported = from_json(event)
        door = Door(reported.source, "US", Derived())
        Registry().parse(reported.type, reported.version, reported.data, door)


def test_a_line_without_a_product_or_without_a_category_is_of_category_unknown(
    tmp_path: Path,
) -> None:
    (event,) = events(folder_of(tmp_path, [line(product_id=33), line(product_id=99)]))
    uncategorised, unlisted = event["data"]["lines"]
    assert (uncategorised["category"], uncategorised["department"]) == ("unknown", "MISC")
    assert (unlisted["product"], unlisted["category"]) == ("99", "unknown")
    assert not {"department", "brand", "discounts"} & unlisted.keys()


@pytest.mark.parametrize(
    ("value", "amount"),
    [
        (0.1 + 0.2, "0.30"),
        (1.776357e-15, "0.00"),
        (-1.776357e-15, "0.00"),
        (2.675, "2.68"),
        (-2.675, "-2.68"),
        (1234567.89, "1234567.89"),
        (-0.05, "-0.05"),
    ],
)
def test_a_float_is_rounded_to_the_cents_that_were_meant(
    tmp_path: Path, value: float, amount: str
) -> None:
    (event,) = events(folder_of(tmp_path, [line(sales_value=value)]))
    assert event["data"]["net"] == money(amount)


def test_a_discount_that_rounds_to_nothing_is_left_out(tmp_path: Path) -> None:
    (event,) = events(folder_of(tmp_path, [line(retail_disc=1.38778e-16)]))
    assert "discounts" not in event["data"]["lines"][0]


def test_the_sums_are_of_rounded_cents_and_not_of_floats(tmp_path: Path) -> None:
    rows = [line(product_id=number, sales_value=0.1) for number in range(1, 31)]
    (event,) = events(folder_of(tmp_path, rows))
    assert Decimal(event["data"]["net"]["amount"]) == Decimal("3.00")


@pytest.mark.parametrize(
    ("utc", "in_the_store"),
    [
        (datetime(2017, 3, 12, 6, 59, 59), "2017-03-12T01:59:59-05:00"),
        (datetime(2017, 3, 12, 7, 0, 0), "2017-03-12T03:00:00-04:00"),
        (datetime(2017, 11, 5, 5, 30, 0), "2017-11-05T01:30:00-04:00"),
        (datetime(2017, 11, 5, 6, 30, 0), "2017-11-05T01:30:00-05:00"),
        (datetime(2018, 1, 1, 4, 1, 20), "2017-12-31T23:01:20-05:00"),
    ],
)
def test_a_time_is_the_stores_own_with_its_offset(
    tmp_path: Path, utc: datetime, in_the_store: str
) -> None:
    (event,) = events(folder_of(tmp_path, [line(transaction_timestamp=utc)]))
    assert event["time"] == in_the_store


@pytest.mark.parametrize(
    ("column", "kind", "value", "reason"),
    [
        ("household_id", "BIGINT", None, "is missing"),
        ("household_id", "BIGINT", -1, "is not a number from 1 up"),
        ("household_id", "DOUBLE", 7.5, "is not a whole number"),
        ("store_id", "VARCHAR", "twelve", "is not a whole number"),
        ("basket_id", "BIGINT", None, "is missing"),
        ("basket_id", "BIGINT", 0, "is not a number from 1 up"),
        ("basket_id", "VARCHAR", "5.00E+2", "is not a whole number"),
        ("product_id", "BIGINT", None, "is missing"),
        ("quantity", "VARCHAR", "some", "is not a number"),
        ("quantity", "DOUBLE", 0.1234567, "has more than 6 digits behind the point"),
        ("sales_value", "DOUBLE", None, "is missing"),
        ("sales_value", "DOUBLE", float("nan"), "is not a number"),
        ("sales_value", "DOUBLE", float("inf"), "is not a number"),
        ("sales_value", "DOUBLE", 1e16, "is too large"),
        ("sales_value", "VARCHAR", "2,50", "is not a number"),
        ("retail_disc", "DOUBLE", -0.5, "is below zero"),
        ("coupon_disc", "DOUBLE", None, "is missing"),
        ("coupon_match_disc", "VARCHAR", "", "is missing"),
        ("transaction_timestamp", "TIMESTAMP", None, "is missing"),
        ("transaction_timestamp", "VARCHAR", "2017-13-01 00:00:00", "is no time that exists"),
        ("transaction_timestamp", "VARCHAR", "0001-01-01 00:00:00", "is no time that exists"),
        (
            *("transaction_timestamp", "VARCHAR", "01/06/2017 16:00"),
            "is not a time such as 2017-01-31 12:00:00",
        ),
    ],
)
def test_a_damaged_cell_is_told_with_its_row_and_field_and_takes_its_basket_out(
    tmp_path: Path, column: str, kind: str, value: Any, reason: str
) -> None:
    rows = [
        line(product_id=31),
        line(product_id=32) | {column: value},
        line(basket_id=501, household_id=8),
    ]
    found = items(folder_of(tmp_path, rows, {column: kind}))
    (damaged,) = [item for item in found if isinstance(item, Damaged)]
    assert damaged.file == "transactions.parquet"
    assert damaged.faults == (Fault(2, column, reason),)
    assert [row.number for row in damaged.rows] == [1, 2]
    (sound,) = [item for item in found if not isinstance(item, Damaged)]
    assert (sound.event["id"], sound.rows[0].number) == ("basket:501", 3)


def test_every_damaged_row_of_a_basket_is_told(tmp_path: Path) -> None:
    rows = [line(product_id=31, sales_value=None), line(product_id=32, store_id=None)]
    assert [(f.row, f.field) for f in faults(folder_of(tmp_path, rows))] == [
        (1, "sales_value"),
        (2, "store_id"),
    ]


def test_a_product_that_stands_twice_in_a_basket_is_damage(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, [line(), line(sales_value=3.0)])
    assert faults(folder) == [Fault(2, "product_id", "stands twice in the basket")]


@pytest.mark.parametrize("column", ["household_id", "store_id", "transaction_timestamp"])
def test_rows_that_do_not_agree_are_damage(tmp_path: Path, column: str) -> None:
    other = datetime(2017, 6, 2) if column == "transaction_timestamp" else 99
    rows = [line(product_id=31), line(product_id=32) | {column: other}]
    assert faults(folder_of(tmp_path, rows)) == [Fault(2, column, "differs within the basket")]


def test_a_row_without_household_store_and_basket_stands_alone(tmp_path: Path) -> None:
    rows = [line(), line(household_id=None, store_id=None, basket_id=None, product_id=32)]
    found = items(folder_of(tmp_path, rows))
    (damaged,) = [item for item in found if isinstance(item, Damaged)]
    assert [row.number for row in damaged.rows] == [2]
    assert len(found) == 2


def test_ids_in_a_column_that_has_become_one_of_floats_are_the_same_ids(tmp_path: Path) -> None:
    whole = events(folder_of(tmp_path / "whole", [line()]))
    types = {"household_id": "DOUBLE", "basket_id": "DOUBLE", "sales_value": "DECIMAL(9,2)"}
    assert events(folder_of(tmp_path / "floats", [line()], types)) == whole


def test_times_in_other_types_of_column_are_the_same_times(tmp_path: Path) -> None:
    whole = events(folder_of(tmp_path / "whole", [line()]))
    for number, kind in enumerate(("TIMESTAMP_NS", "VARCHAR")):
        folder = folder_of(tmp_path / str(number), [line()], {"transaction_timestamp": kind})
        assert events(folder) == whole


def test_households_can_be_limited_and_a_row_that_names_none_is_told_all_the_same(
    tmp_path: Path,
) -> None:
    rows = [
        line(household_id=7, basket_id=1),
        line(household_id=8, basket_id=2),
        line(household_id=None, basket_id=3),
        line(household_id=9, basket_id=4),
    ]
    found = items(folder_of(tmp_path, rows), households=8)
    assert [item.rows[0].number for item in found] == [1, 2, 3]


def test_products_that_cannot_be_told_apart_or_have_no_number_are_told(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, [line(), line(basket_id=501, product_id=32)])
    rows = [(31, "MILK"), (31, "CREAM"), (32, "CHEESE"), (32, "CHEESE"), (None, "EGGS")]
    write(
        folder / "products.parquet",
        PRODUCTS,
        [
            {"product_id": number, "department": "DAIRY", "brand": "P", "product_category": name}
            for number, name in rows
        ],
    )
    first, second, third = items(folder)
    assert first == Damaged("products.parquet", (Fault(5, "product_id", "is missing"),), ())
    assert isinstance(second, Damaged)
    assert second.faults == (Fault(1, "product_id", "is described in two ways"),)
    assert not isinstance(third, Damaged)
