"""A `views` database for tests, and its tables as plain values."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from operator import attrgetter
from typing import Any

from sqlalchemy import Engine, Table, select

from backbone.reading_side import open_views
from projections import checkpoints, generations, holding
from projections.change import Change
from projections.checkpoints import Checkpoint
from projections.tables import tables_of
from projections.view import View
from projections.writer import Writer
from schemas.envelope import Event
from tests.recorded import PARTITIONS

EPOCH = 7
Tables = dict[str, list[tuple[Any, ...]]]
ByKey = dict[str, dict[tuple[Any, ...], tuple[Any, ...]]]
"""table -> key -> row"""


@contextmanager
def views_database(url: str, views: Sequence[View]) -> Iterator[Engine]:
    """An engine for a migrated database in which every view has its first generation."""
    with open_views(url) as engine:
        for view in views:
            generations.ensure(engine, view, partitions=PARTITIONS, epoch=EPOCH)
        yield engine


def stands(engine: Engine, view: View, generation: int = 1) -> dict[int, Checkpoint]:
    """Where every partition stands."""
    with engine.connect() as connection:
        return checkpoints.read(connection, view.name, generation)


def tables(engine: Engine, view: View, generation: int = 1) -> Tables:
    """Table without its generation -> its rows in order of their keys."""
    out: Tables = {}
    with engine.connect() as connection:
        for table in tables_of(view, generation):
            query = select(table).order_by(*table.primary_key)
            rows = [tuple(row) for row in connection.execute(query)]
            out[table.name.removesuffix(f"_g{generation}")] = rows
    return out


def held(engine: Engine, view: View, generation: int = 1) -> list[str]:
    """The subjects that are held."""
    with engine.connect() as connection:
        return [hold.subject for hold in holding.read(connection, view.name, generation)]


def take_over(engine: Engine, view: View, log: Sequence[Event], generation: int = 1) -> None:
    """Apply a log in one batch to where the generation stands."""
    Writer(engine, view, generation).apply(log, stands(engine, view, generation))


def emptied(engine: Engine, view: View, generation: int = 1) -> None:
    """Put a generation back to its beginning: quicker than a new database for every example."""
    with engine.begin() as connection:
        for table in tables_of(view, generation):
            connection.exec_driver_sql(f'TRUNCATE "{table.name}"')
        connection.exec_driver_sql("DELETE FROM held_subjects")
        connection.exec_driver_sql(
            "UPDATE checkpoints SET position = 0, sequence = 0, digest = 0, revision = 0"
        )


def by_key(engine: Engine, view: View, generation: int = 1) -> ByKey:
    """The tables of a generation as they stand."""
    templates = tables_of(view, generation)
    found = tables(engine, view, generation)
    return {
        name: _keyed(table, records)
        for table, (name, records) in zip(templates, found.items(), strict=True)
    }


def folded(view: View, log: Sequence[Event]) -> ByKey:
    """The tables as one pass over the whole log leaves them."""
    change = Change(view)
    holding.fold(change, log)
    out = {}
    for rows in change.kinds:
        table = rows.kind.table
        record = attrgetter(*table.columns.keys())
        out[table.name] = _keyed(table, map(record, rows.made()))
        for rollup in rows.kind.rollups:
            out[rollup.table.name] = _keyed(rollup.table, rows.totals(rollup))
    return out


def _keyed(table: Table, records: Iterable[tuple[Any, ...]]) -> dict[Any, tuple[Any, ...]]:
    names = table.columns.keys()
    key = [names.index(column.name) for column in table.primary_key]
    return {tuple(record[place] for place in key): record for record in records}
