"""A program of its own, to be killed: the production's parts, wired with places to die at and with
guards that can be left out. No setting leads here.

`run` is the whole of it, in a process of its own that a parent talks with: `{"event": …}` is a
report, answered with its receipt once that is committed; `{"ask": "health"}` asks for its
projectors' health. It ends when its parent says no more.
"""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from backbone.migrating import migrated
from backbone.wiring import open_history, pool_for
from commands.touchpoints import Touchpoints
from consumers.health import Health
from consumers.ownership import Fixed
from consumers.projecting import projector_locks
from consumers.runtime import Limits, Points, Projector
from consumers.sink import ViewSink
from consumers.store_watch import StoreWatch
from domain.access import Principal
from projections import generations
from projections.connecting import views_engine
from projections.view import View
from projections.writer import Writer
from schemas.cloudevents import from_json
from schemas.errors import BackboneError
from schemas.receipts import Receipt
from schemas.registry import Registry
from store.appender import Appender
from store.directory import Directory
from store.founding import found
from store.history import History
from store.ids import Ids
from store.mapper import EventMapper
from store.repeats import Repeats
from store.waiting_line import WaitingLine
from tests.faults.orders import PARTITIONS, Orders
from tests.faults.sabotage import (
    ApartSink,
    ComeBy,
    PiecemealRecorder,
    PlacedFeed,
    PlacedRecorder,
    Places,
)
from tests.faults.views import ALL

OPERATOR = Principal("operator", local=True)
BATCH_EVENTS_MAX = 50
"""Small, so that there is always a checkpoint about to move."""

Say = Callable[[dict[str, Any]], None]


class Voice:
    """Tells the parent, from any thread."""

    def __init__(self, parent: "Connection[Any, Any]") -> None:
        self._parent = parent
        self._lock = threading.Lock()

    def __call__(self, said: dict[str, Any]) -> None:
        """Say one thing."""
        with self._lock:
            self._parent.send(said)


@contextmanager
def door(orders: Orders, come_by: ComeBy) -> Iterator[Touchpoints]:
    """The write side, wired as `backbone.wiring` does, with a recorder of ours."""
    with migrated(orders.store, "store") as connection:
        info, ring = found(connection, Path(orders.ring), PARTITIONS)
    with pool_for(orders.store) as pool:
        registry, ids = Registry(), Ids(ring.id)
        kind = PlacedRecorder if orders.whole else PiecemealRecorder
        recorder = kind(pool, info.partitions, come_by)
        appender = Appender(
            recorder,
            Directory(pool, ring, ids),
            EventMapper(registry, ring, ids, info.partitions),
            Repeats(recorder, ring, info),
            info,
            WaitingLine(10_000),
        )
        appender.start()
        try:
            yield Touchpoints(registry, ids, appender, "BE")
        finally:
            appender.stop()


@contextmanager
def projectors(orders: Orders, come_by: ComeBy) -> Iterator[list[Projector]]:
    """A projector for each view that the orders name."""
    engine = views_engine(orders.views)
    watch = StoreWatch(orders.store)
    with open_history(orders.store) as history, ExitStack() as stack:
        stack.callback(engine.dispose)
        watch.start()
        stack.callback(watch.stop)
        running = []
        for name in orders.projects:
            running.append(projector(orders, ALL[name], engine, history, watch, come_by))
            running[-1].start()
            stack.callback(running[-1].stop)
        yield running


def projector(
    orders: Orders,
    view: View,
    engine: Engine,
    history: History,
    watch: StoreWatch,
    come_by: ComeBy,
) -> Projector:
    """One view's projector, not yet started."""
    info = history.info
    made = generations.ensure(engine, view, partitions=info.partitions, epoch=info.epoch)
    every = range(info.partitions)
    owned = projector_locks(engine, view.name, made.generation, every)
    writer = Writer(
        engine,
        view,
        made.generation,
        before_commit=partial(come_by, "project.inside"),
        guarded=orders.guarded,
    )
    sink = ViewSink(engine, writer) if orders.together else ApartSink(engine, writer, come_by)
    return Projector(
        PlacedFeed(history, watch, owned if orders.owned else Fixed(every), come_by),
        sink,
        Health(view.name, made.generation),
        limits=Limits(batch_events_max=BATCH_EVENTS_MAX, poll_seconds=0.5),
        points=Points(after_commit=partial(come_by, "project.after")),
    )


def report(touchpoints: Touchpoints, event: dict[str, Any], say: Say) -> None:
    """Take one event in; its answer is said when it is there."""
    try:
        answer = touchpoints.report(OPERATOR, from_json(event))
    except BackboneError as refusal:
        say({"id": event["id"], "refused": refusal.code})
    else:
        answer.add_done_callback(partial(_answered, event["id"], say))


def _answered(channel_id: str, say: Say, answer: "Future[Receipt]") -> None:
    error = answer.exception()
    if isinstance(error, BackboneError):
        say({"id": channel_id, "refused": error.code})
    elif error is None:
        receipt = answer.result()
        token = receipt.token.text() if receipt.token else None
        said = [receipt.stream, receipt.version, [str(i) for i in receipt.event_ids], token]
        say({"id": channel_id, "receipt": said, "duplicate": receipt.duplicate})


def health(running: list[Projector]) -> dict[str, Any]:
    """What the projectors say of themselves: view -> how it does."""
    return {
        one.view: {
            "partitions": sorted(one.partitions),
            "events": one.events,
            "state": one.state,
            "reason": one.reason,
            "advice": one.advice,
            "error": one.error,
        }
        for one in (projector.health.now() for projector in running)
    }


def run(orders: Orders, parent: "Connection[Any, Any]") -> None:
    """Until the parent says no more."""
    say = Voice(parent)
    come_by = Places(orders, say)
    with ExitStack() as stack:
        touchpoints = stack.enter_context(door(orders, come_by)) if orders.door else None
        say({"ready": True})  # before the projectors, which may die of their first batch
        running = stack.enter_context(projectors(orders, come_by))
        for asked in _said(parent):
            if "ask" in asked:
                say({"health": health(running)})
            elif touchpoints is not None:
                report(touchpoints, asked["event"], say)


def _said(parent: "Connection[Any, Any]") -> Iterator[dict[str, Any]]:
    with suppress(EOFError):
        while asked := parent.recv():
            yield asked
