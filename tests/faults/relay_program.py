"""A relay of its own, to be killed: the production's parts, with places to die at, and with guards
that can be left out. No setting leads here."""

import logging
import os
import secrets
import signal
import threading
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from typing import Any, Literal

from backbone.relaying import relay_lock
from backbone.wiring import open_history, pool_for
from consumers.kafka_outlet import KafkaOutlet
from consumers.kafka_producer import Patience, Producer, ProducerPoints
from consumers.kafka_topics import Tail
from consumers.relay import Limits, Points, Relay, Source
from consumers.relay_health import RelayHealth
from consumers.store_watch import StoreWatch
from schemas.records import Headers
from store.relayed import Relayed

BATCH_EVENTS_MAX = 50
"""Small, so that there is always a batch in hand."""

HALF_EVENTS = 25

IMPATIENT = Patience(request=1, delivery=2, flush=4, commit=8, transaction=30)

RelayPlace = Literal[
    "relay.read",  # a batch in hand, no transaction
    "relay.begun",  # a transaction, nothing sent
    "relay.half",  # some have arrived, the others are not sent
    "relay.sent",  # sent, perhaps not arrived
    "relay.flushed",  # arrived, or given up
    "relay.committed",  # committed, the loop does not know yet
]


@dataclass(frozen=True, slots=True)
class RelayOrders:
    """Given to a relay when it begins. At each of `places`, when it comes by the first of them for
    the `nth` time, it `dies` by SIGKILL or `stops` by SIGSTOP.

    The guards that can be left out: `fenced` is the shared transactional id, `checked` the look at
    every send's future.
    """

    store: str
    address: str
    topic: str
    places: tuple[RelayPlace, ...] = ()
    nth: int = 1
    then: Literal["dies", "stops"] = "dies"
    fenced: bool = True
    checked: bool = True
    silent_seconds_max: float = 60.0


class RelayPlaces:
    """Ends or stops this process where its orders say."""

    def __init__(self, orders: RelayOrders, parent: "Connection[Any, Any]") -> None:
        self._then = orders.then
        self._left = list(orders.places)
        self._nth = orders.nth
        self._parent = parent

    @property
    def next(self) -> RelayPlace | None:
        """The place that is waited for."""
        return self._left[0] if self._left else None

    def __call__(self, place: RelayPlace) -> None:
        """We come by this place now."""
        if place != self.next:
            return
        self._nth -= 1
        if self._nth > 0:
            return
        self._left.pop(0)
        if self._then == "dies":
            os.kill(os.getpid(), signal.SIGKILL)
        self._parent.send({"at": place})
        # To this very thread: sent to the process, another one might take it, and this one go on.
        signal.pthread_kill(threading.get_ident(), signal.SIGSTOP)


def run_relay(orders: RelayOrders, parent: "Connection[Any, Any]") -> None:
    """Until the parent says no more; `{"ask": "health"}` asks how it does."""
    logging.getLogger("kafka").setLevel(logging.CRITICAL)
    come_by = RelayPlaces(orders, parent)
    watch = StoreWatch(orders.store)
    with open_history(orders.store) as history, pool_for(orders.store, 2, 1) as pool:
        relay = Relay(
            Source(history, watch, Relayed(pool, orders.topic)),
            relay_lock(orders.store, orders.topic, orders.silent_seconds_max),
            outlet(orders, history.info.partitions, come_by),
            RelayHealth(orders.topic),
            limits=Limits(batch_events_max=BATCH_EVENTS_MAX),
            points=Points(
                after_read=partial(come_by, "relay.read"),
                after_begin=partial(come_by, "relay.begun"),
                after_send=partial(come_by, "relay.sent"),
                after_commit=partial(come_by, "relay.committed"),
            ),
        )
        parent.send({"ready": True})
        watch.start()
        relay.start()
        with suppress(EOFError):
            while parent.recv():
                now = relay.health.now()
                said = {"state": now.state, "position": now.position, "events": now.events}
                parent.send({"health": said | {"error": now.error, "advice": now.advice}})
        relay.stop()
        watch.stop()


class HalfwayOutlet(KafkaOutlet):
    """An outlet whose producers come by a place when the first records of a batch have arrived."""

    come_by: RelayPlaces

    def open(self) -> tuple[Producer, Tail]:
        """As ever."""
        producer, tail = super().open()
        return HalfwayProducer(producer, self.come_by), tail


class HalfwayProducer:
    """Sends as the given producer does."""

    def __init__(self, producer: Any, come_by: RelayPlaces) -> None:
        self._producer = producer
        self._come_by = come_by
        self._sent = 0
        self.commit = producer.commit
        self.close = producer.close

    def begin(self) -> None:
        """As ever."""
        self._sent = 0
        self._producer.begin()

    def send(self, partition: int, key: bytes, value: bytes, headers: Headers) -> None:
        """As ever."""
        self._producer.send(partition, key, value, headers)
        self._sent += 1
        if self._sent == HALF_EVENTS and self._come_by.next == "relay.half":
            self._producer._producer.flush()
            self._come_by("relay.half")


def outlet(orders: RelayOrders, partitions: int, come_by: RelayPlaces) -> KafkaOutlet:
    """The way to the topic, with the guards that the orders leave."""
    alone = None if orders.fenced else secrets.token_hex(8)
    made = HalfwayOutlet(
        (orders.address,),
        orders.topic,
        partitions,
        transactional_id=alone,
        patience=IMPATIENT,
        points=ProducerPoints(
            after_flush=partial(come_by, "relay.flushed"), futures_checked=orders.checked
        ),
    )
    made.come_by = come_by
    return made
