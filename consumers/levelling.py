"""Brings two generations of a view to one common position, for a moment, to compare them there.

Under load two projectors are hardly ever at the same place in every partition. So the new one
stands still, the active one is held for half a second, and the new one is brought exactly there.
"""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

from sqlalchemy import Connection, Engine, text

from consumers.databases import asking
from consumers.runtime import Projector
from projections import checkpoints
from projections.checkpoints import Checkpoint
from projections.connecting import transaction
from projections.view import View
from projections.writer import Writer
from schemas.errors import BackboneError
from store.history import History

HOLD_SECONDS = 0.5
"""How long the active generation stands still at a time; a comparison needs one such moment to
take its snapshot, and goes on reading from that."""

REST_SECONDS = 0.2
"""How long it runs on between two holds."""

TRIES_MAX = 15
"""How often a first level moment is tried: about three seconds. The active generation, if anybody
runs it, passes the one that stands still much sooner."""

READ_EVENTS_MAX = 1_000

_HOLD = text(
    "SELECT partition FROM checkpoints WHERE view = :view AND generation = :generation "
    "ORDER BY partition FOR UPDATE"
)


@contextmanager
def hold_level(
    engine: Engine, view: View, active: int, new: int, history: History, running: Projector
) -> Iterator[bool]:
    """While this lasts, both generations are level again and again, for half a second each time.

    `running` projects the new one and is paused meanwhile. Gives False where the active generation
    does not come as far as the new one: no process of its release runs it.
    """
    level = _Level(engine, view, active, new, history)
    running.pause()
    thread = threading.Thread(target=level.hold, name=f"level {view.name}", daemon=True)
    thread.start()
    try:
        level.told.wait()
        yield level.reached
    finally:
        level.over.set()
        thread.join()
        running.resume()


class _Level:
    """The thread that holds; `told` is set when it knows whether there is a level moment."""

    def __init__(self, engine: Engine, view: View, active: int, new: int, history: History) -> None:
        self.told = threading.Event()
        self.over = threading.Event()
        self.reached = False
        self._engine = engine
        self._view = view
        self._active = active
        self._new = new
        self._history = history
        self._writer = Writer(engine, view, new)

    def hold(self) -> None:
        """Hold, level, let go, rest; until it is over, or was tried in vain often enough."""
        tries = 0
        try:
            while not self.over.is_set() and (self.reached or tries < TRIES_MAX):
                tries += 1
                with suppress(BackboneError):  # a fault of the world: the next try may succeed
                    self._hold_once()
                self.over.wait(REST_SECONDS)
        finally:
            self.told.set()  # whatever happened: somebody waits for it

    def _hold_once(self) -> None:
        with transaction(self._engine) as connection:
            connection.execute(_HOLD, {"view": self._view.name, "generation": self._active})
            goal = self._stands(connection, self._active)
            with transaction(self._engine) as other:
                now = self._stands(other, self._new)
            if any(p not in goal or known.sequence > goal[p].sequence for p, known in now.items()):
                return
            self._advance(now, goal)
            self.reached = True
            self.told.set()
            self.over.wait(HOLD_SECONDS)

    def _advance(self, now: dict[int, Checkpoint], goal: Mapping[int, Checkpoint]) -> None:
        while behind := {p: at.sequence for p, at in now.items() if at.sequence < goal[p].sequence}:
            with asking("store"):
                events = self._history.after(behind, READ_EVENTS_MAX)
            wanted = [event for event in events if event.sequence <= goal[event.partition].sequence]
            now = self._writer.apply(wanted, now)

    def _stands(self, connection: Connection, generation: int) -> dict[int, Checkpoint]:
        return checkpoints.read(connection, self._view.name, generation)
