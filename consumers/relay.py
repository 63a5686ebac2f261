"""The relay: every event of the store on the topic, exactly once and in order.

It writes one transaction for each batch, in the store's order, and goes on from the last committed
event of the topic itself, which it reads after it has fenced every older relay. Whatever goes
wrong, the way back is the same: drop the producer and take over anew. Nothing is remembered across
a fault, so nothing remembered can be wrong. The lock in the store keeps standbys quiet; it is the
fence that makes two relays at once harmless.
"""

import logging
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from consumers.backoff import Backoff
from consumers.kafka_producer import Producer
from consumers.kafka_topics import Tail
from consumers.ownership import LOOK_SECONDS, Ownership
from consumers.relay_checks import check_dense, check_tail
from consumers.relay_health import RelayHealth
from consumers.store_feed import POLL_SECONDS_MAX, POLL_SECONDS_MIN
from consumers.store_watch import StoreWatch
from schemas.envelope import Event
from schemas.errors import BackboneError, OtherEpoch, Unavailable
from schemas.records import to_binary
from store.history import History
from store.relayed import Relayed

BATCH_EVENTS_MAX = 2_000
BATCH_BYTES_MAX = 16 * 1024 * 1024
"""What one transaction takes, and so what is in flight; a single event may be larger."""

SAVE_SECONDS = 1.0
"""How often the position is saved. A lower bound, so that it may lag."""

STOP_SECONDS_MAX = 60.0
"""How long `stop` waits for the batch in hand."""

log = logging.getLogger(__name__)


class Outlet(Protocol):
    """The way to the topic."""

    def open(self) -> tuple[Producer, Tail]:
        """A producer that has fenced every older one, and what was committed until then."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one round takes."""

    batch_events_max: int = BATCH_EVENTS_MAX
    batch_bytes_max: int = BATCH_BYTES_MAX


def _nothing() -> None:
    pass


@dataclass(frozen=True, slots=True)
class Points:
    """Places to crash or to wait at; for tests alone."""

    after_read: Callable[[], None] = _nothing
    after_begin: Callable[[], None] = _nothing
    after_send: Callable[[], None] = _nothing
    after_commit: Callable[[], None] = _nothing


@dataclass(frozen=True, slots=True)
class Source:
    """The store, as the relay needs it: its log, its movements, and the relay's own row."""

    history: History
    watch: StoreWatch
    relayed: Relayed


class Relay:
    """A thread that keeps one topic up with the store; `start` begins, `stop` drains and ends.

    With `refill` it goes on where the topic ends, even if the topic once held more.
    """

    def __init__(
        self,
        source: Source,
        lock: Ownership,
        outlet: Outlet,
        health: RelayHealth,
        *,
        refill: bool = False,
        limits: Limits | None = None,
        points: Points | None = None,
    ) -> None:
        self.health = health
        self._history = source.history
        self._watch = source.watch
        self._relayed = source.relayed
        self._lock = lock
        self._outlet = outlet
        self._refill = refill
        self._limits = limits or Limits()
        self._points = points or Points()
        self._producer: Producer | None = None
        self._epoch = 0
        self._tail = 0
        self._saved_tail = 0
        self._saved_at = float("-inf")
        self._read_events = self._limits.batch_events_max
        self._interval = POLL_SECONDS_MIN
        self._backoff = Backoff()
        self._moved = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="relay", daemon=True)

    def start(self) -> None:
        """Begin; returns at once, whatever state the store and Kafka are in."""
        self._thread.start()
        self.health.started(self._thread.is_alive)

    def stop(self) -> None:
        """Finish the batch in hand and end. Again: does nothing."""
        self._stopping.set()
        self._moved.set()
        if self._thread.is_alive():
            self._thread.join(STOP_SECONDS_MAX)

    def _run(self) -> None:
        self._watch.subscribe(self._moved)
        try:
            while not self._stopping.is_set():
                self.health.beat()
                self._turn()
            self._save_at_last()
            self.health.stopped("ended", "this process was asked to stop")
        except BackboneError as fault:
            log.error("the relay stopped: %s", fault.code)
            self.health.stopped(fault.code, fault.reason)
        finally:
            self._drop()
            self._watch.unsubscribe(self._moved)
            self._lock.close()

    def _turn(self) -> None:
        """Once round; raises only what a person must look at."""
        try:
            if not self._lock.owned():
                self._stand_by()
                return
            if self._producer is None:
                self._take_over()
            self._round()
            self._backoff.reset()
        except Unavailable as fault:
            self._again(fault.reason)
        except BackboneError:
            raise
        except Exception as error:
            # The place without the message, which may hold somebody's name.
            place = "".join(traceback.format_tb(error.__traceback__))
            log.error("the relay begins anew: %s\n%s", type(error).__name__, place)
            self._again(f"a fault of the program: {type(error).__name__}")

    def _stand_by(self) -> None:
        self._drop()
        self.health.stands_by()
        self._stopping.wait(LOOK_SECONDS)

    def _again(self, sentence: str) -> None:
        """After any fault: wait a little, then take over anew."""
        self._drop()
        self.health.failed(sentence)
        self._stopping.wait(self._backoff.after_fault())

    def _drop(self) -> None:
        if self._producer is not None:
            self._producer.close()
            self._producer = None

    def _take_over(self) -> None:
        """Fence, then see where the topic ends, then hold that against the store."""
        epoch = self._watch.epoch()
        self._producer, tail = self._outlet.open()
        saved = self._relayed.read()
        before = saved.position if saved and saved.epoch == epoch else 0
        head = max(position for _, position in self._history.heads().values())
        check_tail(tail, epoch, head, 0 if self._refill else before)
        if tail.position < before:
            self._relayed.save(epoch, tail.position, lower=True)
        self._refill = False
        self._epoch, self._tail, self._saved_tail = epoch, tail.position, tail.position
        self.health.took_over(self._tail)

    def _round(self) -> None:
        """One batch, or a wait for one."""
        self._moved.clear()  # before the look: what comes after it sets it again
        events = self._history.from_position(self._tail, self._read_events)
        self._points.after_read()
        if self._watch.epoch() != self._epoch:
            raise OtherEpoch("the store was restored: its events differ from the topic's")
        check_dense(events, self._tail)
        sent = self._send(events) if events else 0
        caught_up = sent == len(events) < self._read_events
        self._adapt(sent, len(events))
        self.health.relayed(sent, self._tail, caught_up=caught_up)
        self._save()
        if caught_up:
            self._wait(moved=bool(events))

    def _send(self, events: Sequence[Event]) -> int:
        """The first events, as many as one transaction takes; how many these were."""
        producer = self._producer
        assert producer is not None, "taking over comes before sending"
        producer.begin()
        self._points.after_begin()
        sent = size = 0
        for event in events:
            headers, body = to_binary(event, self._epoch)
            size += len(body)
            if sent and size > self._limits.batch_bytes_max:
                break
            producer.send(event.partition, event.subject.encode(), body, headers)
            sent += 1
        self._points.after_send()
        producer.commit()
        self._points.after_commit()
        self._tail = events[sent - 1].position
        return sent

    def _adapt(self, sent: int, read: int) -> None:
        """Read about as many events as one transaction took, where they are large."""
        more = 2 * self._read_events if sent == read else max(1, sent)
        self._read_events = min(more, self._limits.batch_events_max)

    def _save(self) -> None:
        now = time.monotonic()
        if self._tail > self._saved_tail and now - self._saved_at >= SAVE_SECONDS:
            self._relayed.save(self._epoch, self._tail)
            self._saved_tail, self._saved_at = self._tail, now

    def _save_at_last(self) -> None:
        self._saved_at = float("-inf")
        with suppress(Unavailable):  # a lower bound is good enough
            self._save()

    def _wait(self, *, moved: bool) -> None:
        """Until the store moves or it is time to look again: a notification may get lost."""
        if moved:
            self._interval = POLL_SECONDS_MIN
        if not self._stopping.is_set() and not self._moved.wait(self._interval):
            self._interval = min(2 * self._interval, POLL_SECONDS_MAX)
