"""The whole program in one process: store, relay where there is a Kafka, projectors, HTTP door."""

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.metadata import version

from fastapi import FastAPI
from sqlalchemy import Engine

from api.app import create_app
from api.metrics import Metrics
from api.opening import Glass
from api.parts import Limits, Parts
from api.reading import ViewReader
from api.waiting import Listener, Waiting
from backbone.databases import Databases
from backbone.health import Look, looking
from backbone.reading_side import open_views
from backbone.relaying import running_relay
from backbone.settings import Settings
from backbone.wiring import Store, conninfo, open_store
from commands.dispatcher import Dispatcher
from commands.erasure import EraseCustomer
from commands.touchpoints import Touchpoints
from consumers.kafka_feed import kafka_feeds
from consumers.kafka_members import KafkaSource
from consumers.kafka_topics import CUSTOMER_EVENTS
from consumers.projecting import Feeds, Log, Projecting, store_feeds
from consumers.relay import Relay
from consumers.store_watch import StoreWatch
from domain.access import LOCAL
from projections import generations
from projections.registry import VIEWS
from store.sealing import Seal, seal

log = logging.getLogger(__name__)

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
        _finish_erasures(store)
        views = stack.enter_context(open_views(at.views))
        watch = StoreWatch(at.store)
        watch.start()
        stack.callback(watch.stop)
        relay, feeds = _feeding(stack, settings, store, views, at, watch)
        projecting = _projecting(stack, store, views, feeds)
        touchpoints = Touchpoints(store.registry, store.ids, store.appender, settings.phone_region)
        look = stack.enter_context(looking(at, store, projecting, relay))
        parts = _parts(settings, store, views, touchpoints, look)
        listener = Listener(conninfo(at.views), parts.waiting.nudge)
        listener.start()
        stack.callback(listener.stop)
        app = create_app(parts, version(PACKAGE))
        yield Program(store, views, touchpoints, projecting, app)


def _finish_erasures(store: Store) -> None:
    command = EraseCustomer(store.ids, store.subjects, store.history, store.eraser)
    if finished := command.finish(LOCAL):
        log.warning("finished %d erasures that had crashed or were restored", finished)


def _feeding(
    stack: ExitStack,
    settings: Settings,
    store: Store,
    views: Engine,
    at: Databases,
    watch: StoreWatch,
) -> tuple[Relay | None, Feeds]:
    """What brings the events to the views: the store itself, or a relay and its topic."""
    if settings.kafka is None:
        return None, store_feeds(store.history, watch, views)
    relay = stack.enter_context(running_relay(settings.kafka, at.store, store.history, watch))
    source = KafkaSource(settings.kafka, CUSTOMER_EVENTS, store.info.partitions, store.registry)
    return relay, kafka_feeds(source)


def _projecting(stack: ExitStack, store: Store, views: Engine, feeds: Feeds) -> Projecting:
    log_of = Log(store.info.epoch, store.info.partitions)
    for view in VIEWS:
        # Before the door opens: the first reader would be told that there is no view yet.
        generations.ensure(views, view, partitions=log_of.partitions, epoch=log_of.epoch)
    projecting = Projecting(VIEWS, views, log_of, feeds)
    projecting.start()
    stack.callback(projecting.stop)
    return projecting


def _parts(
    settings: Settings,
    store: Store,
    views: Engine,
    touchpoints: Touchpoints,
    look: Look,
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
        health=look.faults,
        metrics=Metrics(look.numbers),
    )
