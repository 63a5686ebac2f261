"""Fills a new generation from whole partitions: folded in memory, copied once, indexed last.

Then the generation runs on as an ordinary one, from the checkpoints that were set here.
"""

import gc
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from operator import attrgetter

from sqlalchemy import Connection, Engine

from projections import checkpoints, generations, holding
from projections.change import Change
from projections.checkpoints import Checkpoint, LostPartition, Progress
from projections.connecting import Cursor, cursor_of, transaction
from projections.copying import target
from projections.tables import create_indexes, of_generation, tables_of
from projections.view import View
from schemas.envelope import Event


def load(
    engine: Engine, view: View, generation: int, partition: int, history: Iterable[Event]
) -> Checkpoint:
    """Take over a partition's whole history, in order from sequence 1, in one transaction.

    The partition's rows are held in memory, its events are not. The generation was made with
    `bulk`, and the partition's checkpoint is still at 0: a partition that was loaded before a crash
    raises LostPartition, and need not be loaded again. Partitions may be loaded side by side.
    Raises Gap, OtherFold, Unavailable; then nothing is written.
    """
    with transaction(engine) as connection:
        known = checkpoints.lock(connection, view.name, generation, [partition], view.version).get(
            partition
        )
        if known is None or known.sequence:
            raise LostPartition(f"partition {partition} is not waiting to be loaded")
        progress = Progress(known)
        change = Change(view)
        with _no_collector():
            held = holding.fold(change, (event for event in history if progress.takes(event)))
            _copy(cursor_of(connection), change, generation)
        holding.write(connection, view.name, generation, held.values())
        loaded = progress.checkpoint()
        checkpoints.move(connection, view.name, generation, [loaded])
    return loaded


def finish(engine: Engine, view: View, generation: int) -> None:
    """Make the keys and indexes of a loaded generation; from here on it is ready to run."""
    with transaction(engine) as connection:
        create_indexes(connection, view, generation)
        generations.mark(connection, view, generation, "ready")
        _analyse(connection, view, generation)


@contextmanager
def _no_collector() -> Iterator[None]:
    """Millions of rows are made and none is garbage: looking for some took 3/4 of a fold."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _copy(cursor: Cursor, change: Change, generation: int) -> None:
    """COPY rows and totals: nothing stands there yet, so nothing is merged."""
    for rows in change.kinds:
        table = target(of_generation(rows.kind.table, generation))
        # By subject: indexes are made from what is in order, and a customer's rows are neighbours.
        table.copy(cursor, sorted(rows.made(), key=attrgetter("subject")))
        for rollup in rows.kind.rollups:
            target(of_generation(rollup.table, generation)).copy(cursor, rows.totals(rollup))


def _analyse(connection: Connection, view: View, generation: int) -> None:
    # Without statistics the first reports after a switch would run on guesses.
    for table in tables_of(view, generation):
        connection.exec_driver_sql(f'ANALYZE "{table.name}"')
