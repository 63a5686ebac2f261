"""What was rejected can be mended and imported again, and is then the event that it always was."""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from importers import complete_journey
from importers.items import Fault, Origin, Row
from importers.rejects import MARKS, Rejects, read_csv
from importers.run import run
from importers.summary import Summary
from schemas.errors import Unavailable
from tests.importing import PRODUCTS, TRANSACTIONS, Memory, folder_of, line, write

Table = list[dict[str, str]]


def imported(path: Path, memory: Memory, elsewhere: Path | None = None) -> Summary:
    with complete_journey.source(path) as source:
        return run(source, memory.submit, rejects_elsewhere=elsewhere or path / "elsewhere")


def read(file: Path) -> Table:
    with file.open(encoding="utf-8", newline="") as text:
        return list(csv.DictReader(text))


def mend(file: Path, change: Callable[[dict[str, str]], None], **dialect: Any) -> None:
    rows = read(file)
    for row in rows:
        change(row)
    with file.open("w", encoding=dialect.pop("encoding", "utf-8"), newline="") as text:
        writer = csv.DictWriter(text, list(rows[0]), **dialect)
        writer.writeheader()
        writer.writerows(rows)


def damaged_folder(folder: Path, **damage: Any) -> Path:
    """Basket 500 of three lines with a damaged one, and basket 501, which is sound."""
    rows = [
        line(product_id=33, retail_disc=0.1, sales_value=0.3),
        line(product_id=32, quantity=3, sales_value=1e-15, **damage),
        line(product_id=31, coupon_disc=0.55),
        line(basket_id=501, household_id=8),
    ]
    types = {name: "VARCHAR" for name, value in damage.items() if isinstance(value, str)}
    return folder_of(folder, rows, types)


@pytest.fixture
def undamaged(tmp_path: Path) -> dict[tuple[str, str], bytes]:
    memory = Memory()
    assert imported(damaged_folder(tmp_path / "undamaged"), memory).clean
    return memory.known


def test_a_damaged_basket_goes_to_the_rejects_file_with_all_its_rows(tmp_path: Path) -> None:
    folder, memory = damaged_folder(tmp_path / "in", store_id="twelve"), Memory()
    summary = imported(folder, memory)
    assert dict(summary.counts) == {"accepted": 1, "rejected": 1}
    assert summary.rejects == folder / "transactions.rejects.csv"
    assert summary.rejects.stat().st_mode & 0o777 == 0o600
    rows = read(summary.rejects)
    assert list(rows[0]) == [*TRANSACTIONS, *MARKS]
    assert [row["product_id"] for row in rows] == ["33", "32", "31"]
    assert rows[0]["transaction_timestamp"] == "2017-06-01 16:00:00"
    assert [tuple(row[mark] for mark in MARKS) for row in rows] == [
        ("transactions.parquet", "1", "", ""),
        ("transactions.parquet", "2", "store_id", "is not a whole number"),
        ("transactions.parquet", "3", "", ""),
    ]
    assert {path.name for path in folder.iterdir()} == {
        "transactions.parquet",
        "products.parquet",
        "transactions.rejects.csv",
    }


@pytest.mark.parametrize(
    ("damage", "right"),
    [
        ({"store_id": "twelve"}, {"store_id": "12"}),
        ({"basket_id": None}, {"basket_id": "500"}),
        ({"household_id": None}, {"household_id": "7"}),
        ({"coupon_match_disc": float("nan")}, {"coupon_match_disc": "0"}),
        (
            {"transaction_timestamp": "2017-06-01 25:00:00"},
            {"transaction_timestamp": "2017-06-01 16:00:00"},
        ),
    ],
)
def test_mended_and_imported_again_it_is_the_event_that_it_would_have_been(
    tmp_path: Path,
    undamaged: dict[tuple[str, str], bytes],
    damage: dict[str, Any],
    right: dict[str, str],
) -> None:
    memory = Memory()
    rejects = imported(damaged_folder(tmp_path / "in", **damage), memory).rejects
    assert rejects is not None
    assert len(memory.known) == 1
    mend(rejects, lambda row: row.update(right if row["rejected_reason"] else {}))
    summary = imported(rejects, memory)
    assert dict(summary.counts) == {"accepted": 1}
    assert summary.rejects is None
    assert memory.known == undamaged


@pytest.mark.parametrize("dialect", [{"delimiter": ";"}, {"encoding": "utf-8-sig"}])
def test_a_rejects_file_may_be_saved_by_a_spreadsheet(
    tmp_path: Path, undamaged: dict[tuple[str, str], bytes], dialect: dict[str, str]
) -> None:
    memory = Memory()
    rejects = imported(damaged_folder(tmp_path / "in", store_id="x"), memory).rejects
    assert rejects is not None
    mend(rejects, lambda row: row.update(store_id="12"), **dialect)
    assert imported(rejects, memory).clean
    assert memory.known == undamaged


def test_what_is_still_damaged_goes_to_the_next_file_and_no_mending_is_lost(tmp_path: Path) -> None:
    folder, memory = damaged_folder(tmp_path / "in", store_id="x"), Memory()
    first = imported(folder, memory).rejects
    assert first is not None
    mend(first, lambda row: row.update(quantity="9"))
    mended = first.read_bytes()
    second, third = imported(first, memory).rejects, imported(folder, memory).rejects
    assert second == folder / "transactions.rejects-2.csv"
    assert third == folder / "transactions.rejects-3.csv"
    assert first.read_bytes() == mended
    assert [row["rejected_file"] for row in read(second)] == [first.name] * 3


def test_the_same_import_again_does_not_pile_up_files(tmp_path: Path) -> None:
    folder, memory = damaged_folder(tmp_path / "in", store_id="x"), Memory()
    assert imported(folder, memory).rejects == imported(folder, memory).rejects
    assert [path.name for path in folder.glob("*.csv")] == ["transactions.rejects.csv"]
    assert not list(folder.glob(".*"))


def test_a_comma_inside_a_number_does_not_move_the_values_behind_it(tmp_path: Path) -> None:
    folder, memory = damaged_folder(tmp_path / "in", store_id="x"), Memory()
    rejects = imported(folder, memory).rejects
    assert rejects is not None
    text = rejects.read_text(encoding="utf-8")
    assert ",x," in text
    rejects.write_text(text.replace(",x,", ",12,").replace(",0.3,", ",0,3,"), encoding="utf-8")
    summary = imported(rejects, memory)
    assert [(at.row, at.field, at.reason) for at in summary.shown] == [
        (1, None, "has 16 cells, not 15")
    ]
    assert len(memory.known) == 1


def test_what_the_store_refuses_goes_there_too_with_the_row_of_the_line(tmp_path: Path) -> None:
    rows = [
        line(product_id=32),
        line(product_id=31, sales_value=3.0),
        line(basket_id=501, product_id=32),
    ]
    folder, memory = folder_of(tmp_path, rows), Memory()
    memory.known["complete-journey", "basket:501"] = b"another content"
    product = {"product_id": 31, "department": "DAIRY", "brand": "P", "product_category": "A\x07"}
    write(folder / "products.parquet", PRODUCTS, [product])
    summary = imported(folder, memory)
    assert dict(summary.counts) == {"conflict": 1, "rejected": 1}
    assert summary.rejects is not None
    marks = [(r["rejected_row"], r["rejected_field"]) for r in read(summary.rejects)]
    # Lines stand by product: the first line of the event is the second row of the file.
    assert marks == [("2", "data.lines.0.category"), ("1", ""), ("3", "id")]


def test_rejects_of_an_installed_package_go_elsewhere(tmp_path: Path) -> None:
    origin = Origin(tmp_path / "package" / "transactions.parquet", ("a",), installed=True)
    with Rejects(origin, tmp_path / "data") as rejects:
        rejects.add([Row(1, ("x",))], [Fault(1, "a", "is wrong")])
    assert rejects.path == tmp_path / "data" / "transactions.rejects.csv"
    assert not (tmp_path / "package").exists()


def test_rejects_go_elsewhere_where_the_inputs_folder_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "a file").write_text("", encoding="utf-8")
    origin = Origin(tmp_path / "a file" / "transactions.csv", ("a",), installed=False)
    with Rejects(origin, tmp_path) as rejects:
        rejects.add([Row(1, (None,))], [])
    assert rejects.path == tmp_path / "transactions.rejects.csv"
    nowhere = Rejects(origin, tmp_path / "a file" / "below")
    with pytest.raises(Unavailable, match="no folder can be written"):
        nowhere.add([Row(1, (None,))], [])


def test_without_rejects_there_is_no_file(tmp_path: Path) -> None:
    with Rejects(Origin(tmp_path / "t.csv", ("a",), installed=False), tmp_path) as rejects:
        pass
    assert rejects.path is None
    assert not list(tmp_path.iterdir())


def test_any_text_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    values = ('"quoted", and; more', "two\nlines", "é", None)
    columns = ("a", "b", "c", "d")
    with Rejects(Origin(tmp_path / "t.csv", columns, installed=False), tmp_path) as rejects:
        rejects.add([Row(9, values)], [])
    assert rejects.path is not None
    with read_csv(rejects.path) as (names, rows):
        assert names == columns
        assert list(rows) == [Row(1, values)]
