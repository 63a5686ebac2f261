"""The published set itself, from the installed package: its totals are those of the files."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from importers import complete_journey
from importers.items import Importable
from importers.run import run
from schemas.cloudevents import from_json
from tests.importing import Memory


@dataclass
class Totals:
    """What the events of a source add up to."""

    baskets: int = 0
    lines: int = 0
    net: Decimal = Decimal()
    paid: Decimal = Decimal()
    discounts: Counter[str] = field(default_factory=Counter)
    uncategorised: int = 0
    nothing: int = 0
    households: set[str] = field(default_factory=set)
    days: dict[date, tuple[int, Decimal]] = field(default_factory=dict)

    def add(self, event: dict[str, Any]) -> None:
        data = event["data"]
        net = Decimal(data["net"]["amount"])
        self.baskets += 1
        self.lines += len(data["lines"])
        self.net += net
        self.paid += Decimal(data["paid"]["amount"])
        self.nothing += not net
        self.households.add(event["subject"])
        for line in data["lines"]:
            self.uncategorised += line["category"] == "unknown"
            for discount in line.get("discounts", ()):
                cents = int(Decimal(discount["amount"]["amount"]).scaleb(2))
                self.discounts[discount["kind"]] += cents
        day = datetime.fromisoformat(event["time"]).date()
        count, sales = self.days.get(day, (0, Decimal()))
        self.days[day] = (count + 1, sales + net)


def totals(households: int | None) -> Totals:
    found = Totals()
    with complete_journey.source(households=households) as source:
        for item in source:
            assert isinstance(item, Importable)
            found.add(item.event)
        assert found.baskets == source.total
        assert source.origin.installed
    return found


def counted(households: int) -> tuple[Any, ...]:
    """The same numbers, straight from the file."""
    with complete_journey.source() as source, duckdb.connect() as connection:
        sums = ", ".join(
            f"sum(round({column} * 100)::BIGINT)"
            for column in ("sales_value", "retail_disc", "coupon_disc", "coupon_match_disc")
        )
        row = connection.execute(
            f"SELECT count(DISTINCT basket_id), count(*), {sums}, "
            f"count(DISTINCT household_id) FROM read_parquet(?) WHERE household_id <= ?",
            [str(source.origin.file), households],
        ).fetchone()
    assert row is not None
    return row


def as_counted(found: Totals) -> tuple[Any, ...]:
    discounts = (found.discounts[kind] for kind in ("loyalty", "coupon", "match"))
    cents = int(found.net.scaleb(2))
    return (found.baskets, found.lines, cents, *discounts, len(found.households))


def test_the_demos_households_are_what_the_files_say() -> None:
    found = totals(250)
    assert as_counted(found) == counted(250)
    assert (found.baskets, found.lines, found.net) == (15_032, 137_476, Decimal("422562.89"))
    assert dict(found.discounts) == {"loyalty": 7_485_839, "coupon": 283_859, "match": 52_063}
    assert found.paid == found.net - Decimal("2838.59")


def test_every_basket_passes_the_door_and_the_second_import_changes_nothing(tmp_path: Path) -> None:
    memory = Memory()
    with complete_journey.source(households=250) as source:
        first = run(source, memory.submit, rejects_elsewhere=tmp_path)
        again = run(source, memory.submit, rejects_elsewhere=tmp_path)
    assert first.text() == "15,032 baskets: 15,032 recorded."
    assert again.text() == "15,032 baskets: 15,032 already known.\nNothing has changed."
    assert list(tmp_path.iterdir()) == []


def test_every_time_has_the_offset_of_the_stores() -> None:
    with complete_journey.source(households=20) as source:
        offsets = {from_json(i.event).when.occurred_at for i in source if isinstance(i, Importable)}
    hours = {at.utcoffset().total_seconds() / 3600 for at in offsets if at}  # type: ignore[union-attr]
    assert hours == {-5.0, -4.0}


@pytest.mark.slow
def test_the_whole_set_is_what_the_files_say() -> None:
    found = totals(None)
    assert as_counted(found) == counted(10**9)
    assert (found.baskets, found.lines, len(found.households)) == (155_848, 1_469_307, 2_469)
    assert (found.net, found.paid) == (Decimal("4596039.58"), Decimal("4569679.68"))
    assert dict(found.discounts) == {"loyalty": 79_165_064, "coupon": 2_635_990, "match": 454_265}
    assert (found.uncategorised, found.nothing) == (7_045, 478)
    assert (len(found.days), date(2017, 12, 25) in found.days) == (364, False)
    assert found.days[date(2017, 12, 31)] == (515, Decimal("16574.57"))
    assert max(found.days.items(), key=lambda day: day[1][1]) == (
        date(2017, 12, 23),
        (found.days[date(2017, 12, 23)][0], Decimal("24760.10")),
    )
