"""A row-level diff of two generations of a view, at one position that both have reached."""

import time
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, text

from projections import checkpoints
from projections.connecting import transaction
from projections.tables import tables_of
from projections.view import View
from schemas.errors import Unavailable

SAMPLES_MAX = 20
COMPARE_POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Difference:
    """How one table differs between two generations; `samples` are keys of rows that differ.

    Columns that only one of them has are not compared; they are named in `columns_left_out`.
    """

    table: str
    only_in_a: int
    only_in_b: int
    changed: int
    samples: list[tuple[Any, ...]]
    columns_left_out: tuple[str, ...]

    @property
    def same(self) -> bool:
        """True where every row is the same in both."""
        return not (self.only_in_a or self.only_in_b or self.changed)


def diff(
    engine: Engine, view: View, a: int, b: int, *, wait_seconds: float = 10
) -> list[Difference]:
    """Compare every table of two generations.

    Looks for a snapshot in which both have taken over the same events, and compares within it, so
    nobody has to stop. Raises Unavailable where none was seen in `wait_seconds`.
    """
    until = time.monotonic() + wait_seconds
    while True:
        with transaction(engine) as connection:
            # The first statement: one snapshot for the checkpoints and all rows.
            connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            if _stands(connection, view, a) == _stands(connection, view, b):
                pairs = zip(tables_of(view, a), tables_of(view, b), _names(view), strict=True)
                return [
                    _difference(connection, name, one.name, other.name, list(one.primary_key))
                    for one, other, name in pairs
                ]
        if time.monotonic() > until:
            raise Unavailable(f"generations {a} and {b} were not seen at one position")
        time.sleep(COMPARE_POLL_SECONDS)


def _names(view: View) -> list[str]:
    return [table.name.rpartition("_g")[0] for table in tables_of(view, 0)]


def _stands(connection: Connection, view: View, generation: int) -> dict[int, tuple[int, ...]]:
    known = checkpoints.read(connection, view.name, generation)
    return {p: (c.epoch, c.sequence, c.digest) for p, c in known.items()}


def _columns(connection: Connection, table: str) -> list[str]:
    query = text(
        "SELECT attname FROM pg_attribute WHERE attrelid = CAST(:table AS regclass) "
        "AND attnum > 0 AND NOT attisdropped ORDER BY attnum"
    )
    return list(connection.scalars(query, {"table": f'"{table}"'}))


def _difference(
    connection: Connection, name: str, a: str, b: str, primary_key: list[Any]
) -> Difference:
    in_a, in_b = _columns(connection, a), _columns(connection, b)
    both = [column for column in in_a if column in in_b]
    keys = [column.name for column in primary_key]
    key, on = ", ".join(f'"{k}"' for k in keys), " AND ".join(f'a."{k}" = b."{k}"' for k in keys)
    one, other = (", ".join(f'{t}."{column}"' for column in both) for t in "ab")
    query = (
        f"WITH d AS (SELECT {', '.join(f'coalesce(a.{k}, b.{k}) AS {k}' for k in _q(keys))}, "
        f'b."{keys[0]}" IS NULL AS only_a, a."{keys[0]}" IS NULL AS only_b '
        f'FROM "{a}" a FULL JOIN "{b}" b ON {on} WHERE ({one}) IS DISTINCT FROM ({other})) '
    )
    only_a, only_b, changed = connection.exec_driver_sql(
        query + "SELECT count(*) FILTER (WHERE only_a), count(*) FILTER (WHERE only_b), "
        "count(*) FILTER (WHERE NOT only_a AND NOT only_b) FROM d"
    ).one()
    samples = connection.exec_driver_sql(
        query + f"SELECT {key} FROM d ORDER BY {key} LIMIT {SAMPLES_MAX}"
    )
    left_out = tuple(sorted(set(in_a) ^ set(in_b)))
    found = [tuple(row) for row in samples]
    return Difference(name, only_a, only_b, changed, found, left_out)


def _q(names: list[str]) -> list[str]:
    return [f'"{name}"' for name in names]
