"""A log of all kinds of events, views kept up with it, and whether they reached its end."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy import Engine

from consumers.projecting import Feeds, Log, Projecting, store_feeds
from consumers.runtime import Limits, Points
from projections import checkpoints
from projections.view import View
from schemas.envelope import Event
from tests.counting import COUNTING
from tests.feeding import World, until
from tests.recorded import complaint, erased, purchase, registered

NAMES = tuple(f"c{i:02}" for i in range(24))

SMALL = Limits(50, 0.2)
"""Many batches out of few events."""


def history(count: int) -> list[Event]:
    """So many events of all kinds, some erasures among them."""
    kinds = (registered, complaint, purchase, complaint, purchase)
    made = [kinds[i % len(kinds)](NAMES[i * 7 % len(NAMES)]) for i in range(count)]
    return [erased(e.subject[2:5]) if i % 97 == 96 else e for i, e in enumerate(made)]


@contextmanager
def projecting(
    there: World,
    views: Sequence[View],
    *,
    engine: Engine | None = None,
    feeds: Feeds | None = None,
    limits: Limits = SMALL,
    points: Points | None = None,
) -> Iterator[Projecting]:
    """These views are projected meanwhile."""
    info = there.history.info
    running = Projecting(
        views,
        engine or there.engine,
        Log(info.epoch, info.partitions),
        feeds or store_feeds(there.history, there.watch, there.engine),
        limits=limits,
        points=points,
    )
    running.start()
    try:
        yield running
    finally:
        running.stop()


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
