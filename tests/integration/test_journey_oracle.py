"""The oracle: what the API answers after an import is what duckdb counts from the files."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from domain.access import LOCAL
from importers import complete_journey
from importers.run import run
from importers.summary import Summary
from schemas.receipts import Token
from tests.serving import Served, serving

SMALL = 250
CENTS = ("sales_value", "retail_disc", "coupon_disc", "coupon_match_disc")
_SUMS = ", ".join(f"sum(round({column} * 100)::BIGINT)::BIGINT" for column in CENTS)
_DAY = "((transaction_timestamp AT TIME ZONE 'UTC') AT TIME ZONE 'America/New_York')::DATE::VARCHAR"
Sums = tuple[int, int, int, int, int, int]
"""Baskets, lines, and in cents: sales, loyalty, coupons, matches."""


def imported(served: Served, households: int | None) -> tuple[Summary, Token | None]:
    """Import, and the token that waits for all of it."""
    token: list[Token] = []

    def submit(events: Any) -> Any:
        result = served.program.touchpoints.report_batch(LOCAL, events)
        if result.token is not None:
            token[:] = [result.token.joined(*token)]
        return result.items

    with complete_journey.source(households=households) as source:
        summary = run(source, submit, rejects_elsewhere=Path("never"))
    return summary, token[0] if token else None


def counted(by: str, households: int | None) -> dict[Any, Sums]:
    """The same numbers from the file, grouped by a column or expression."""
    up_to = f"WHERE household_id::BIGINT <= {households}" if households else ""
    with complete_journey.source(households=1) as source:
        file = source.origin.file
    query = f"""
        SELECT {by}, count(DISTINCT basket_id)::BIGINT, count(*)::BIGINT, {_SUMS}
        FROM read_parquet(?) {up_to} GROUP BY 1
    """
    with duckdb.connect() as connection:
        return {row[0]: row[1:] for row in connection.execute(query, [str(file)]).fetchall()}


def cents(amount: str | None) -> int:
    return int(Decimal(amount or "0").scaleb(2))


def of_revenue(row: dict[str, Any]) -> Sums:
    off = row["discounts"]
    money = [row["net"], off["loyalty"], off["coupon"], off["match"]]
    return (row["baskets"], row["lines"], *map(cents, money))


def of_customer(data: dict[str, Any]) -> Sums:
    bought = data["purchases"]
    off = bought["discounts"].get("USD", {})
    net = sum(cents(amount) for amount in bought["net"]["USD"].values())
    kinds = [cents(off.get(kind)) for kind in ("loyalty", "coupon", "match")]
    return (bought["count"], bought["lines"], net, *kinds)


@pytest.fixture(scope="module")
def small(postgres: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Given the households with an id up to 250, imported and taken over by the views."""
    with serving(postgres, tmp_path_factory.mktemp("journey")) as served:
        summary, token = imported(served, SMALL)
        assert (summary.counts["accepted"], summary.done) == (15_032, 15_032)
        wait_for(served, token)
        yield served


def wait_for(served: Served, token: Token | None) -> None:
    assert token is not None
    while (
        "waited_seconds"
        in served.get("/v1/sales/revenue", by="", at_least=token.text())["freshness"]
    ):
        pass


def check(served: Served, households: int | None) -> None:
    total = served.get("/v1/sales/revenue", by="")["data"]
    assert [of_revenue(row) for row in total] == [counted("1", households)[1]]
    days = served.get("/v1/sales/revenue", by="day")["data"]
    assert {row["day"]: of_revenue(row) for row in days} == counted(_DAY, households)
    for household, sums in counted("household_id::BIGINT", households).items():
        data = served.get(f"/v1/customers/household:{household}")["data"]
        assert of_customer(data) == sums, household


def test_totals_days_and_every_household_equal_the_file_to_the_cent(small: Served) -> None:
    check(small, SMALL)
    (total,) = small.get("/v1/sales/revenue", by="")["data"]
    assert of_revenue(total) == (15_032, 137_476, 42_256_289, 7_485_839, 283_859, 52_063)


def test_lines_and_sales_by_category_add_up_to_the_total(small: Served) -> None:
    rows = small.get("/v1/sales/revenue", by="category")["data"]
    assert sum(row["lines"] for row in rows) == 137_476
    assert sum(cents(row["net"]) for row in rows) == 42_256_289
    assert any(row["category"] == "unknown" for row in rows)


def test_importing_again_changes_nothing_and_says_so(small: Served) -> None:
    before = small.get("/v1/sales/revenue", by="day")["data"]
    summary, _ = imported(small, SMALL)
    assert "15,032 already known" in summary.text()
    assert "Nothing has changed" in summary.text()
    assert small.get("/v1/sales/revenue", by="day")["data"] == before


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_whole_set_equals_the_file_to_the_cent(postgres: str, tmp_path: Path) -> None:
    with serving(postgres, tmp_path) as served:
        summary, token = imported(served, None)
        assert summary.counts["accepted"] == 155_848
        wait_for(served, token)
        check(served, None)
