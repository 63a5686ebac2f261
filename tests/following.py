"""What a view must hold after a log, what it holds, and whether it has come to the end of it."""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Table, select

from projections import checkpoints, holding
from projections.change import Change
from projections.tables import of_generation
from projections.view import View
from schemas.envelope import Event
from tests.counting import COUNTING
from tests.feeding import World, until
from tests.recorded import complaint, erased, purchase, registered

NAMES = tuple(f"c{i:02}" for i in range(24))

Tables = Mapping[str, dict[tuple[Any, ...], tuple[Any, ...]]]
"""table -> key -> row"""


def history(count: int) -> list[Event]:
    """So many events of all kinds, some erasures among them."""
    kinds = (registered, complaint, purchase, complaint, purchase)
    made = [kinds[i % len(kinds)](NAMES[i * 7 % len(NAMES)]) for i in range(count)]
    return [erased(e.subject[2:5]) if i % 97 == 96 else e for i, e in enumerate(made)]


def expected(view: View, log: list[Event]) -> Tables:
    """The tables as one pass over the whole log leaves them."""
    change = Change(view)
    holding.fold(change, log)
    tables: dict[str, dict[tuple[Any, ...], tuple[Any, ...]]] = {}
    for rows in change.kinds:
        names = rows.kind.table.columns.keys()
        values = (tuple(getattr(row, name) for name in names) for row in rows.made())
        tables[rows.kind.table.name] = _by_key(rows.kind.table, values)
        for rollup in rows.kind.rollups:
            tables[rollup.table.name] = _by_key(rollup.table, rows.totals(rollup))
    return tables


def actual(world: World, view: View, generation: int = 1) -> Tables:
    """The tables of a generation as they stand in the database."""
    templates = [kind.table for kind in view.kinds]
    templates += [rollup.table for kind in view.kinds for rollup in kind.rollups]
    with world.engine.connect() as connection:
        return {
            table.name: _by_key(
                table, map(tuple, connection.execute(select(of_generation(table, generation))))
            )
            for table in templates
        }


def _by_key(table: Table, rows: Iterable[tuple[Any, ...]]) -> dict[tuple[Any, ...], Any]:
    names = table.columns.keys()
    places = [names.index(column.name) for column in table.primary_key]
    return {tuple(row[i] for i in places): tuple(row) for row in rows}


def sequences(world: World, generation: int = 1, view: View = COUNTING) -> dict[int, int]:
    """Where a generation stands."""
    with world.engine.connect() as connection:
        known = checkpoints.read(connection, view.name, generation)
    return {partition: at.sequence for partition, at in known.items()}


def settled(world: World, generation: int = 1, view: View = COUNTING) -> None:
    """Wait until a generation has reached the head of the store."""

    def caught_up() -> bool:
        heads = {p: sequence for p, (sequence, _) in world.history.heads().items()}
        return sequences(world, generation, view) == heads

    until(caught_up, f"{view.name} g{generation} has reached the head")
