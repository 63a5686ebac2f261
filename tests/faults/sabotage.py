"""Parts that die at chosen places, and the same parts with a guard left out."""

import os
import signal
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Engine

from consumers.feed import Batch
from consumers.ownership import Ownership
from consumers.sink import ViewSink
from consumers.store_feed import StoreFeed
from consumers.store_watch import StoreWatch
from projections import checkpoints
from projections.checkpoints import Checkpoint
from projections.connecting import transaction
from projections.writer import Writer
from schemas.envelope import Event
from store.history import History
from store.reaching import Pool, reach
from store.recorder import Recorder
from store.rows import Outcome, Prepared, Written
from store.rows import Place as At
from tests.faults.orders import Orders, Place

ComeBy = Callable[[Place], None]


class Places:
    """Ends or stops this process where its orders say; `say` tells the parent before a stop."""

    def __init__(self, orders: Orders, say: Callable[[dict[str, Any]], None]) -> None:
        self._orders = orders
        self._left = orders.nth
        self._say = say
        self._lock = threading.Lock()

    def __call__(self, place: Place) -> None:
        """We come by this place now."""
        with self._lock:
            if place != self._orders.place:
                return
            self._left -= 1
            if self._left != 0:
                return
        if self._orders.then == "dies":
            os.kill(os.getpid(), signal.SIGKILL)
        self._say({"at": place})
        # To this very thread: sent to the process, another one might take it, and this one go on.
        signal.pthread_kill(threading.get_ident(), signal.SIGSTOP)


class PlacedRecorder(Recorder):
    """Writes as the recorder does, and comes by places on its way."""

    def __init__(self, pool: Pool, partitions: int, come_by: ComeBy) -> None:
        super().__init__(pool, partitions)
        self._places_pool = pool
        self._come_by = come_by

    def append(self, group: Sequence[Prepared]) -> list[Outcome]:
        """One transaction, as ever."""
        self._come_by("append.before")
        with reach(self._places_pool) as connection, connection.transaction():
            outcomes = self.append_on(connection, group)
            self._come_by("append.inside")
        self._come_by("append.after")
        return outcomes


class PiecemealRecorder(PlacedRecorder):
    """Sabotage: each row of a request is committed for itself."""

    def append(self, group: Sequence[Prepared]) -> list[Outcome]:
        """A transaction for each row."""
        return [self._piecemeal(one) for one in group]

    def _piecemeal(self, request: Prepared) -> Outcome:
        places: list[At] = []
        for row in request.rows:
            with reach(self._places_pool) as connection:
                (outcome,) = self.append_on(connection, [Prepared((row,), request.key_ids)])
            if not isinstance(outcome, Written):
                return outcome
            places.extend(outcome.places)
            self._come_by("append.between")
        return Written(tuple(places))


class HastyRecorder(Recorder):
    """Sabotage: who asks for ids before anything was appended is told that none is stored."""

    appended = False

    def append(self, group: Sequence[Prepared]) -> list[Outcome]:
        """As ever."""
        self.appended = True
        return super().append(group)

    def stored(self, event_ids: Iterable[Any]) -> Any:
        """Nothing, until an append has found out."""
        return super().stored(event_ids) if self.appended else {}


class PlacedFeed(StoreFeed):
    """The store feed, which comes by a place when it has a batch in hand."""

    def __init__(
        self, history: History, watch: StoreWatch, ownership: Ownership, come_by: ComeBy
    ) -> None:
        super().__init__(history, watch, ownership)
        self._come_by = come_by

    def poll(self, limit: int, seconds: float) -> Batch:
        """As ever."""
        batch = super().poll(limit, seconds)
        if batch.events:
            self._come_by("project.polled")
        return batch


class ApartSink(ViewSink):
    """Sabotage: rows are committed first, and the checkpoint after them."""

    def __init__(self, engine: Engine, writer: Writer, come_by: ComeBy) -> None:
        super().__init__(engine, writer)
        self._views = engine
        self._of = writer.view.name, writer.generation
        self._come_by = come_by

    def apply(
        self,
        batch: Sequence[Event],
        expected: Mapping[int, Checkpoint],
        hints: Mapping[int, str] | None = None,
    ) -> dict[int, Checkpoint]:
        """Two transactions."""
        after = super().apply(batch, expected, hints)
        self._move(expected)  # as if only the rows had been committed
        self._come_by("project.apart")
        self._move(after)
        return after

    def _move(self, to: Mapping[int, Checkpoint]) -> None:
        with transaction(self._views) as connection:
            checkpoints.move(connection, *self._of, to.values())
