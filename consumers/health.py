"""How one projector does, told by itself and judged from outside: a dead thread tells nothing."""

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from projections.checkpoints import Checkpoint

State = Literal["fresh", "pending", "rebuilding", "held", "stopped"]

BEAT_SECONDS_MAX = 5.0
"""A loop beats at least every second or two; one silent for so long is stuck or dead."""

RATE_SECONDS = 10.0
"""The window of the rate."""


@dataclass(frozen=True, slots=True)
class ProjectorHealth:
    """One moment of one projector.

    `reason` is a code where it is stopped (gap, other-fold, other-epoch, dropped, broken, crashed,
    died, silent) and `advice` a sentence for people. `error` is the code of the last fault that it
    goes on from, None since it went on.
    """

    view: str
    generation: int
    state: State
    partitions: frozenset[int]
    paused: bool
    reason: str | None
    advice: str | None
    error: str | None
    progressed_seconds_ago: float | None
    beat_seconds_ago: float | None
    events_per_second: float
    events: int


class Health:
    """Written by a projector's thread, read by any other."""

    def __init__(
        self, view: str, generation: int, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.view = view
        self.generation = generation
        self.building = False
        """True while readers read another generation."""
        self._clock = clock
        self._lock = threading.Lock()
        self._alive: Callable[[], bool] = lambda: True
        self._partitions: frozenset[int] = frozenset()
        self._paused = False
        self._caught_up = False
        self._stopped: tuple[str, str] | None = None
        self._error: str | None = None
        self._beat_at: float | None = None
        self._progressed_at: float | None = None
        self._events = 0
        self._taken: deque[tuple[float, int]] = deque()

    def started(self, alive: Callable[[], bool]) -> None:
        """The loop begins; `alive` tells whether its thread still runs."""
        self._alive = alive
        self.beat()

    def beat(self) -> None:
        """The loop goes round."""
        self._beat_at = self._clock()

    def paused(self, paused: bool) -> None:
        """Somebody asked it to stand still, or to go on."""
        self._paused = paused

    def owns(self, checkpoints: Mapping[int, Checkpoint]) -> None:
        """The partitions that it reads."""
        self._partitions = frozenset(checkpoints)

    def took(self, events: int, *, caught_up: bool) -> None:
        """So many events were taken over; `caught_up` as the feed said."""
        now = self._clock()
        with self._lock:
            self._error = None
            self._caught_up = caught_up
            self._events += events
            if events or caught_up:
                self._progressed_at = now
            if events:
                self._taken.append((now, events))
            self._forget(now)

    def failed(self, code: str) -> None:
        """A fault that it goes on from."""
        with self._lock:
            self._error = code
            self._caught_up = False

    def stopped(self, reason: str, advice: str) -> None:
        """It will not go on by itself."""
        with self._lock:
            self._stopped = reason, advice

    def now(self) -> ProjectorHealth:
        """This moment; takes a dead or stuck thread into account."""
        now = self._clock()
        with self._lock:
            self._forget(now)
            stopped = self._stopped or self._silence(now)
            window = min(RATE_SECONDS, now - self._taken[0][0]) if self._taken else 0
            rate = sum(n for _, n in self._taken) / max(window, 1.0)
            return ProjectorHealth(
                view=self.view,
                generation=self.generation,
                state=self._state(stopped is not None),
                partitions=self._partitions,
                paused=self._paused,
                reason=stopped[0] if stopped else None,
                advice=stopped[1] if stopped else None,
                error=self._error,
                progressed_seconds_ago=_ago(now, self._progressed_at),
                beat_seconds_ago=_ago(now, self._beat_at),
                events_per_second=rate,
                events=self._events,
            )

    def _state(self, stopped: bool) -> State:
        if stopped:
            return "stopped"
        if self.building:
            return "rebuilding"
        return "fresh" if self._caught_up and not self._paused else "pending"

    def _silence(self, now: float) -> tuple[str, str] | None:
        if self._beat_at is None:
            return None
        if not self._alive():
            return "died", "its thread ended: start the process again"
        if now - self._beat_at > BEAT_SECONDS_MAX:
            return "silent", "it waits for a database that does not answer, or for one long batch"
        return None

    def _forget(self, now: float) -> None:
        while self._taken and now - self._taken[0][0] > RATE_SECONDS:
            self._taken.popleft()


def _ago(now: float, moment: float | None) -> float | None:
    return None if moment is None else now - moment
