"""The whole program in one process: store, projectors, HTTP door."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.metadata import version

from fastapi import FastAPI
from sqlalchemy import Engine

from api.app import create_app
from api.metrics import Metrics, Numbers, ViewNumbers
from api.opening import Glass
from api.parts import Limits, Parts
from api.reading import ViewReader
from api.waiting import Listener, Waiting
from backbone.databases import Databases
from backbone.settings import Settings
from backbone.wiring import Store, conninfo, open_store
from commands.dispatcher import Dispatcher
from commands.touchpoints import Touchpoints
from consumers.lag import measure, readiness
from consumers.projecting import Log, Projecting, store_feeds
from consumers.store_watch import StoreWatch
from projections.connecting import views_engine
from projections.migrating import migrate
from projections.registry import VIEWS
from store.sealing import Seal, seal

PACKAGE = "customer-interaction-backbone"


@dataclass(frozen=True, slots=True)
class Program:
    """The running program, as its callers use it."""

    store: Store
    views: Engine
    touchpoints: Touchpoints
    projecting: Projecting
    app: FastAPI


@contextmanager
def running_program(settings: Settings, at: Databases, *, seal: Seal = seal) -> Iterator[Program]:
    """Everything but the socket: the store is open, the views are kept up, the app can be served.

    On leaving, projectors finish their batches and the appender writes what is queued. `seal` is
    another one only where a test shows what sealing hides.
    """
    with ExitStack() as stack:
        store = stack.enter_context(
            open_store(
                at.store,
                settings.ring_dir,
                settings.partitions,
                queue_events_max=settings.append_queue_max,
                seal=seal,
            )
        )
        views = views_engine(at.views)
        stack.callback(views.dispose)
        migrate(views)
        projecting = _projecting(stack, store, views, at)
        touchpoints = Touchpoints(store.registry, store.ids, store.appender, settings.phone_region)
        parts = _parts(settings, store, views, touchpoints, projecting)
        listener = Listener(conninfo(at.views), parts.waiting.nudge)
        listener.start()
        stack.callback(listener.stop)
        app = create_app(parts, version(PACKAGE))
        yield Program(store, views, touchpoints, projecting, app)


def _projecting(stack: ExitStack, store: Store, views: Engine, at: Databases) -> Projecting:
    watch = StoreWatch(at.store)
    watch.start()
    stack.callback(watch.stop)
    projecting = Projecting(
        VIEWS,
        views,
        Log(store.info.epoch, store.info.partitions),
        store_feeds(store.history, watch, views),
    )
    projecting.start()
    stack.callback(projecting.stop)
    return projecting


def _parts(
    settings: Settings,
    store: Store,
    views: Engine,
    touchpoints: Touchpoints,
    projecting: Projecting,
) -> Parts:
    reader = ViewReader(views, store.history)
    return Parts(
        registry=store.registry,
        ids=store.ids,
        subjects=store.subjects,
        history=store.history,
        touchpoints=touchpoints,
        dispatcher=Dispatcher(
            store.ids,
            store.recorder,
            store.repeats,
            store.subjects,
            store.events,
            store.appender,
        ),
        glass=Glass(store.keys),
        reader=reader,
        waiting=Waiting(reader.reached, store.info.epoch),
        region=settings.phone_region,
        limits=Limits(
            settings.batch_events_max, settings.batch_bytes_max, settings.wait_seconds_max
        ),
        health=lambda: _faults(store, views, projecting),
        metrics=Metrics(lambda: _numbers(store, views, projecting)),
    )


def _faults(store: Store, views: Engine, projecting: Projecting) -> dict[str, str]:
    faults = {} if store.appender.alive else {"appender": "its thread ended: start it again"}
    return faults | readiness(views, store.history, VIEWS, projecting.health())


def _numbers(store: Store, views: Engine, projecting: Projecting) -> Numbers:
    lags = measure(views, store.history, VIEWS, projecting.health())
    heads = store.history.heads().values()
    return Numbers(
        store_events=sum(sequence for sequence, _ in heads),
        append_queue=store.appender.queued,
        views=tuple(
            ViewNumbers(
                lag.view,
                lag.generation,
                lag.events,
                lag.lag_events,
                lag.lag_seconds,
                lag.held_subjects,
            )
            for lag in lags
        ),
    )
