"""A projector process of its own, fed by Kafka, to be killed: what `backbone project` runs."""

import logging
import signal
import threading
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from consumers.feed import Batch
from consumers.kafka_feed import KafkaFeed, kafka_feeds
from consumers.kafka_members import KafkaSource
from consumers.projecting import Feeds, Log, Projecting
from consumers.runtime import Limits, Points
from projections.connecting import views_engine
from projections.registry import VIEWS

Say = Callable[[dict[str, Any]], None]

PARTITIONS = 12
SESSION_SECONDS = 2.0
SMALL = Limits(batch_events_max=50, poll_seconds=0.2)
"""So that there is always a checkpoint about to move."""


@dataclass(frozen=True, slots=True)
class GroupOrders:
    """Given to a process when it begins.

    With `stops_at`, it stops by SIGSTOP with the batch of that number in hand; `guarded` is the
    checkpoint's compare-and-set, which can be left out.
    """

    views: str
    epoch: int
    address: str
    topic: str
    projects: tuple[str, ...] = ("profile", "timeline")
    stops_at: int | None = None
    guarded: bool = True


class StoppingFeed(KafkaFeed):
    """Stops its process by SIGSTOP with the nth batch of events in hand."""

    def __init__(self, source: KafkaSource, group: str, nth: int, say: Say) -> None:
        super().__init__(source, group)
        self._left = nth
        self._say = say

    def poll(self, limit: int, seconds: float) -> Batch:
        batch = super().poll(limit, seconds)
        self._left -= bool(batch.events)
        if batch.events and self._left == 0:
            self._say({"at": "polled"})
            # This very thread: sent to the process, it may come when a transaction is open.
            signal.pthread_kill(threading.get_ident(), signal.SIGSTOP)
        return batch


def feeds(orders: GroupOrders, say: Say) -> Feeds:
    """A group for each view, and where the orders say, places to stop at."""
    source = KafkaSource(
        (orders.address,), orders.topic, PARTITIONS, session_seconds=SESSION_SECONDS
    )
    stops_at = orders.stops_at
    if stops_at is None:
        return kafka_feeds(source, prefix=orders.topic)
    return lambda view, generation: StoppingFeed(
        source, f"{orders.topic}-{view}-g{generation}", stops_at, say
    )


def run(orders: GroupOrders, parent: "Connection[Any, Any]") -> None:
    """Until the parent says no more; answers `{"ask": "health"}`."""
    logging.getLogger("kafka").setLevel(logging.CRITICAL)
    engine = views_engine(orders.views)
    projecting = Projecting(
        [view for view in VIEWS if view.name in orders.projects],
        engine,
        Log(orders.epoch, PARTITIONS),
        feeds(orders, parent.send),
        limits=SMALL,
        points=Points(guarded=orders.guarded),
    )
    with closing(parent):
        parent.send({"ready": True})
        projecting.start()
        with suppress(EOFError):
            while parent.recv():
                parent.send({"health": _health(projecting)})
        projecting.stop()
        engine.dispose()


def _health(projecting: Projecting) -> dict[str, Any]:
    return {
        one.view: {
            "partitions": sorted(one.partitions),
            "reason": one.reason,
            "error": one.error,
            "advice": one.advice,
        }
        for one in projecting.health()
    }
