"""One loop for every feed and every projector: poll, fold and write with the checkpoint, again.

Whatever goes wrong, the way back is the same: read the checkpoints anew, and let the feed go on
from there. Nothing is remembered across a fault, so nothing remembered can be wrong.
"""

import logging
import threading
import time
import traceback
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from consumers.backoff import Backoff
from consumers.feed import Feed
from consumers.health import Health
from consumers.pace import Pace
from consumers.sink import Sink
from projections.checkpoints import Checkpoint, LostPartition
from schemas.envelope import Event
from schemas.errors import BackboneError, Unavailable

BATCH_EVENTS_MAX = 16_000
"""The most that one transaction takes over; the batch in hand is held in memory, rows and all."""

POLL_SECONDS = 1.0
"""How long one poll waits; a loop with nothing to do beats so often."""

STAND_STILL_SECONDS_MAX = 10.0
"""How long `pause` and `stop` wait for the batch in hand."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one round takes, and how long it waits."""

    batch_events_max: int = BATCH_EVENTS_MAX
    poll_seconds: float = POLL_SECONDS


def _nothing() -> None:
    pass


@dataclass(frozen=True, slots=True)
class Points:
    """Places to crash or to wait at, and the guard that can be taken out; for tests alone."""

    after_poll: Callable[[], None] = _nothing
    before_commit: Callable[[], None] = _nothing
    after_commit: Callable[[], None] = _nothing
    guarded: bool = True


class Projector:
    """A thread that keeps one sink up with one feed; `start` begins, `stop` drains and ends."""

    def __init__(
        self,
        feed: Feed,
        sink: Sink,
        health: Health,
        *,
        limits: Limits | None = None,
        points: Points | None = None,
    ) -> None:
        self.health = health
        self._feed = feed
        self._sink = sink
        self._limits = limits or Limits()
        self._points = points or Points()
        self._pace = Pace(self._limits.batch_events_max)
        self._at: dict[int, Checkpoint] = {}
        self._owning = threading.Lock()
        self._backoff = Backoff()
        self._unsure = False
        self._stopping = threading.Event()
        self._pausing = False
        self._still = False
        self._changed = threading.Condition()
        name = f"projector {health.view} g{health.generation}"
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self, *, paused: bool = False) -> None:
        """Begin, or stand ready to; returns at once, whatever state the databases are in."""
        self._pausing = paused
        self.health.paused(paused)
        self._thread.start()
        self.health.started(self._thread.is_alive)

    def stop(self) -> None:
        """Finish the batch in hand, let go of the partitions, end. Again: does nothing."""
        self.ask_to_stop()
        if self._thread.is_alive():
            self._thread.join(STAND_STILL_SECONDS_MAX)

    def ask_to_stop(self) -> None:
        """The same without waiting for the end."""
        self._stopping.set()
        with self._changed:
            self._changed.notify_all()
        self._feed.wake()

    @property
    def running(self) -> bool:
        """False when its thread has ended, for whatever reason."""
        return self._thread.is_alive()

    def pause(self) -> None:
        """Stand still; returns when the batch in hand is written and no other is begun.

        Raises Unavailable where that takes too long; it will stand still later all the same.
        """
        with self._changed:
            self._pausing = True
        self.health.paused(True)
        self._feed.wake()
        with self._changed:
            if not self._changed.wait_for(self._stands_still, STAND_STILL_SECONDS_MAX):
                raise Unavailable("the batch in hand is not finished yet")

    def resume(self) -> None:
        """Go on after a pause."""
        with self._changed:
            self._pausing = False
            self._changed.notify_all()
        self.health.paused(False)

    # What the feed tells, perhaps from a thread of its own.

    def assigned(self, partitions: Collection[int]) -> Mapping[int, Checkpoint]:
        """These partitions are ours from now on; answers where each goes on."""
        found = self._sink.read()
        mine = {p: found[p] for p in partitions if p in found}
        with self._owning:
            self._at |= mine
            self.health.owns(self._at)
        return mine

    def revoked(self, partitions: Collection[int]) -> None:
        """These are not ours any more. What is in hand of them fails by its checkpoint."""
        with self._owning:
            for partition in partitions:
                self._at.pop(partition, None)
            self.health.owns(self._at)

    def _run(self) -> None:
        try:
            self._feed.start(self)
            while not self._stopping.is_set():
                if self._pausing:
                    self._stand_still()
                else:
                    self._round()
            self.health.stopped("ended", "this process was asked to stop")
        except BackboneError as fault:
            log.error("%s stopped: %s", self._thread.name, fault.code)
            self.health.stopped(fault.code, fault.reason)
        except Exception as error:
            # The place without the message, which may hold somebody's name.
            place = "".join(traceback.format_tb(error.__traceback__))
            log.error("%s stopped: %s\n%s", self._thread.name, type(error).__name__, place)
            self.health.stopped(
                "crashed",
                f"a fault of the program ({type(error).__name__}; the log has the place): it goes "
                "on from its checkpoint when the process is started again",
            )
        finally:
            self._feed.close()
            with self._changed:
                self._changed.notify_all()

    def _round(self) -> None:
        self.health.beat()
        try:
            if self._unsure:
                self._recover()
            batch = self._feed.poll(self._pace.events, self._limits.poll_seconds)
            began = time.monotonic()
            self._points.after_poll()
            if batch.events or batch.hints:
                self._take(batch.events, batch.hints)
            self._pace.took(len(batch.events), time.monotonic() - began)
            self.health.took(len(batch.events), caught_up=batch.caught_up)
            self._backoff.reset()
        except LostPartition as lost:
            # A repair moved the checkpoint, or another process has the partition: the feed knows.
            self._feed.doubt()
            self._again(lost.code)
        except Unavailable as fault:
            self._again(fault.code)
        except MemoryError:
            self._again("out-of-memory")

    def _take(self, events: Sequence[Event], hints: Mapping[int, str]) -> None:
        with self._owning:
            expected = dict(self._at)
        after = self._sink.apply(events, expected, hints)
        self._points.after_commit()
        with self._owning:
            self._at |= {p: stands for p, stands in after.items() if p in self._at}

    def _again(self, code: str) -> None:
        """After a fault: wait a little, then begin with what the database says."""
        self.health.failed(code)
        self._unsure = True
        self._pace.failed()
        self._stopping.wait(self._backoff.after_fault())

    def _recover(self) -> None:
        found = self._sink.read()
        with self._owning:
            self._at = {p: found[p] for p in self._at if p in found}
            marks = dict(self._at)
        self._feed.seek(marks)
        self._unsure = False

    def _stands_still(self) -> bool:
        return self._still or not self._thread.is_alive()

    def _stand_still(self) -> None:
        with self._changed:
            self._still = True
            self._changed.notify_all()
            while self._pausing and not self._stopping.is_set():
                self.health.beat()
                self._changed.wait(self._limits.poll_seconds)
            self._still = False
