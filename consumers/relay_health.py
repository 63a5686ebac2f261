"""How the relay does, told by itself and judged from outside: a dead thread tells nothing."""

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from consumers.health import RATE_SECONDS

State = Literal["starting", "standby", "active", "stopped"]

BEAT_SECONDS_MAX = 60.0
"""A round waits for Kafka up to flush and commit; a relay silent for longer is stuck or dead."""


@dataclass(frozen=True, slots=True)
class RelayState:
    """One moment of the relay.

    `reason` is a code where it is stopped and `advice` a sentence for people. `error` is the last
    fault that it goes on from, None since it went on. `position` is the last event on the topic.
    """

    topic: str
    state: State
    position: int | None
    caught_up: bool
    events: int
    events_per_second: float
    reason: str | None
    advice: str | None
    error: str | None
    progressed_seconds_ago: float | None


class RelayHealth:
    """Written by the relay's thread, read by any other."""

    def __init__(self, topic: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._topic = topic
        self._clock = clock
        self._lock = threading.Lock()
        self._alive: Callable[[], bool] = lambda: True
        self._state: State = "starting"
        self._position: int | None = None
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

    def stands_by(self) -> None:
        """Another relay is the active one."""
        with self._lock:
            self._state, self._caught_up, self._error = "standby", False, None

    def took_over(self, position: int) -> None:
        """It is the active one, and the topic holds everything up to `position`."""
        with self._lock:
            self._state, self._position, self._error = "active", position, None

    def relayed(self, events: int, position: int, *, caught_up: bool) -> None:
        """So many more are on the topic; `caught_up` when the store had no more."""
        now = self._clock()
        with self._lock:
            self._error, self._caught_up, self._position = None, caught_up, position
            self._events += events
            self._progressed_at = now
            if events:
                self._taken.append((now, events))
            self._forget(now)

    def failed(self, sentence: str) -> None:
        """A fault that it goes on from."""
        with self._lock:
            self._error, self._caught_up = sentence, False

    def stopped(self, reason: str, advice: str) -> None:
        """It will not go on by itself."""
        with self._lock:
            self._stopped = reason, advice

    def now(self) -> RelayState:
        """This moment; takes a dead or stuck thread into account."""
        now = self._clock()
        with self._lock:
            self._forget(now)
            stopped = self._stopped or self._silence(now)
            window = min(RATE_SECONDS, now - self._taken[0][0]) if self._taken else 0
            progressed = self._progressed_at
            return RelayState(
                topic=self._topic,
                state="stopped" if stopped else self._state,
                position=self._position,
                caught_up=self._caught_up and not stopped,
                events=self._events,
                events_per_second=sum(n for _, n in self._taken) / max(window, 1.0),
                reason=stopped[0] if stopped else None,
                advice=stopped[1] if stopped else None,
                error=self._error,
                progressed_seconds_ago=None if progressed is None else now - progressed,
            )

    def _silence(self, now: float) -> tuple[str, str] | None:
        if self._beat_at is None:
            return None
        if not self._alive():
            return "died", "its thread ended: start the process again"
        if now - self._beat_at > BEAT_SECONDS_MAX:
            return "silent", "it waits for a database or for Kafka, and gets no answer"
        return None

    def _forget(self, now: float) -> None:
        while self._taken and now - self._taken[0][0] > RATE_SECONDS:
            self._taken.popleft()
