"""Tables out of parquet and CSV files, by duckdb, which an installation may do without.

duckdb reads a parquet file without loading it whole, and sorts on disk what does not fit in memory.
"""

import csv
import glob
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from importers.rejects import read_csv
from schemas.errors import Invalid, NotFound

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

ROW, FAULT = "__row", "__fault"
"""Our columns beside the file's own: the row's number, and what is wrong with it as a whole."""

MEMORY = "256MB"
"""duckdb's limit; the whole set of 1.5 million lines is sorted in it."""
THREADS = 2
ROWS_PER_FETCH = 10_000

# Types that duckdb hands over exactly; every other one is taken as its text, and read from that.
_EXACT = {
    *("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT"),
    *("DOUBLE", "VARCHAR", "TIMESTAMP"),
}


class Tables:
    """A database in memory whose tables are files."""

    def __init__(self, connection: "DuckDBPyConnection") -> None:
        self._connection = connection

    def attach(self, name: str, file: Path, wanted: Iterable[str]) -> tuple[str, ...]:
        """Make `file` readable as the table `name`; returns the file's own columns in their order.

        Raises NotFound for no such file, Invalid where it is no table or lacks a wanted column.
        """
        if not file.is_file():
            raise NotFound(f"there is no {file.name} here")
        with _reading(file):
            load = self._view_parquet if file.suffix == ".parquet" else self._load_csv
            columns = load(name, file)
        if lacking := [column for column in wanted if column not in columns]:
            raise Invalid(f"{file.name} has no column {', '.join(lacking)}")
        return columns

    def make(self, name: str, file: Path, query: str) -> None:
        """Keep what a query over `file` finds as the table `name`, in the query's order."""
        with _reading(file):
            self._connection.execute(f"CREATE TABLE {name} AS {query}")

    def rows(self, file: Path, query: str) -> Iterator[tuple[Any, ...]]:
        """What a query over `file` finds, a chunk in memory at a time."""
        with _reading(file), self._connection.cursor() as cursor:
            cursor.execute(query)
            while chunk := cursor.fetchmany(ROWS_PER_FETCH):
                yield from chunk

    def _view_parquet(self, name: str, file: Path) -> tuple[str, ...]:
        path = glob.escape(str(file)).replace("'", "''")
        described = self._connection.execute(f"DESCRIBE FROM read_parquet('{path}')").fetchall()
        cells = ", ".join(
            _quoted(column) if kind in _EXACT else f"{_quoted(column)}::VARCHAR {_quoted(column)}"
            for column, kind, *_ in described
        )
        self._connection.execute(
            f"CREATE VIEW {name} AS SELECT file_row_number + 1 AS {ROW}, NULL AS {FAULT}, {cells} "
            f"FROM read_parquet('{path}', file_row_number = true)"
        )
        return tuple(column for column, *_ in described)

    def _load_csv(self, name: str, file: Path) -> tuple[str, ...]:
        with read_csv(file) as (columns, rows):
            cells = ", ".join(f"{_quoted(column)} VARCHAR" for column in columns)
            self._connection.execute(
                f"CREATE TABLE {name} ({ROW} BIGINT, {FAULT} VARCHAR, {cells})"
            )
            texts = ", ".join(["unnest(?::VARCHAR[])"] * (1 + len(columns)))
            insert = f"INSERT INTO {name} SELECT unnest(?::BIGINT[]), {texts}"
            while chunk := list(islice(rows, ROWS_PER_FETCH)):
                numbers, faults = [row.number for row in chunk], [row.fault for row in chunk]
                values = zip(*(row.values for row in chunk), strict=True)
                self._connection.execute(insert, [numbers, faults, *map(list, values)])
        return columns


@contextmanager
def tables() -> Iterator[Tables]:
    """Tables that spill into a folder of their own; raises NotFound where duckdb is missing."""
    try:
        import duckdb
    except ImportError:
        raise NotFound(
            "reading these files needs duckdb: "
            "pip install duckdb, or 'customer-interaction-backbone[import]'"
        ) from None
    with tempfile.TemporaryDirectory(prefix="backbone-import-") as spill:
        limits: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": MEMORY,
            "temp_directory": spill,
            "threads": THREADS,
        }
        with duckdb.connect(config=limits) as connection:
            yield Tables(connection)


@contextmanager
def _reading(file: Path) -> Iterator[None]:
    """Refuses a file that is broken as a whole; duckdb's own words may quote what stands in it."""
    import duckdb

    try:
        yield
    except (duckdb.Error, csv.Error, OSError):
        raise Invalid(f"{file.name} cannot be read as a table") from None


def _quoted(column: str) -> str:
    return '"' + column.replace('"', '""') + '"'
