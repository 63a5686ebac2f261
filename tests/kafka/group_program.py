"""A projector process of its own, fed by Kafka, to be killed: what `backbone project` runs."""

import logging
from contextlib import closing, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from consumers.kafka_feed import kafka_feeds
from consumers.kafka_members import KafkaSource
from consumers.projecting import Log, Projecting
from consumers.runtime import Limits
from projections.connecting import views_engine
from projections.registry import VIEWS

PARTITIONS = 12
SESSION_SECONDS = 2.0
SMALL = Limits(batch_events_max=50, poll_seconds=0.2)
"""So that there is always a checkpoint about to move."""


@dataclass(frozen=True, slots=True)
class GroupOrders:
    """Given to a process when it begins."""

    views: str
    epoch: int
    address: str
    topic: str


def run(orders: GroupOrders, parent: "Connection[Any, Any]") -> None:
    """Until the parent says no more; answers `{"ask": "health"}`."""
    logging.getLogger("kafka").setLevel(logging.CRITICAL)
    engine = views_engine(orders.views)
    source = KafkaSource(
        (orders.address,), orders.topic, PARTITIONS, session_seconds=SESSION_SECONDS
    )
    projecting = Projecting(
        VIEWS,
        engine,
        Log(orders.epoch, PARTITIONS),
        kafka_feeds(source, prefix=orders.topic),
        limits=SMALL,
    )
    with closing(parent):
        projecting.start()
        parent.send({"ready": True})
        with suppress(EOFError):
            while parent.recv():
                parent.send({"health": _health(projecting)})
        projecting.stop()
        engine.dispose()


def _health(projecting: Projecting) -> dict[str, Any]:
    return {
        one.view: {"partitions": sorted(one.partitions), "reason": one.reason, "state": one.state}
        for one in projecting.health()
    }
