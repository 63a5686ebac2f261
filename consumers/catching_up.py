"""A generation brought up to the head of the store, and switched to."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine

from consumers.databases import asking
from consumers.projecting import projector, store_feeds
from consumers.runtime import Projector
from consumers.store_watch import StoreWatch
from projections import checkpoints, generations
from projections.connecting import transaction
from projections.view import View
from schemas.errors import Broken, NotFound, Unavailable
from store.history import History

CATCH_UP_SECONDS_MAX = 600.0
"""How long it may take to take over what was recorded meanwhile."""

LOOK_SECONDS = 0.1


@contextmanager
def caught_up(engine: Engine, history: History, running: Projector) -> Iterator[None]:
    """Run this projector while the block lasts; the block begins when its generation has reached
    what is the head of the store now, by it or by another process that holds the partitions.

    Raises Unavailable where that takes too long, Broken where the projector stops.
    """
    running.start()
    try:
        with asking("store"):
            heads = {p: sequence for p, (sequence, _) in history.heads().items()}
        until = time.monotonic() + CATCH_UP_SECONDS_MAX
        never = threading.Event()
        while not _reached(engine, running, heads):
            now = running.health.now()
            if now.state == "stopped":
                raise Broken(f"the generation cannot be brought up: {now.reason}")
            if time.monotonic() > until:
                raise Unavailable("the generation has not caught up yet")
            never.wait(LOOK_SECONDS)
        yield
    finally:
        running.stop()


def switch_to(
    view: View, engine: Engine, history: History, watch: StoreWatch, generation: int
) -> None:
    """Let readers read this generation, a retired one too: it is brought up first.

    Raises NotFound for one that does not exist, Broken for one that is unfinished or of another
    fold, and as `caught_up` and `generations.switch` do. A process that projects the view takes the
    generation over afterwards.
    """
    with transaction(engine) as connection:
        known = {one.generation: one for one in generations.listed(connection, view.name)}
        wanted = known.get(generation)
        if wanted is None:
            raise NotFound(f"{view.name} has no generation {generation}")
        if wanted.state == "building" or wanted.fold_version != view.version:
            raise Broken(f"generation {generation} of {view.name} is not ready for this release")
        if wanted.state == "retired":
            generations.mark(connection, view, generation, "ready")
    feed = store_feeds(history, watch, engine)(view.name, generation)
    with caught_up(engine, history, projector(engine, view, generation, feed)):
        generations.switch(engine, view, generation)


def _reached(engine: Engine, running: Projector, heads: dict[int, int]) -> bool:
    with transaction(engine) as connection:
        known = checkpoints.read(connection, running.health.view, running.health.generation)
    return all(p in known and known[p].sequence >= head for p, head in heads.items())
