"""Waiting for one's own write: a bounded wait until a view has read as far as a token says.

One look for all waiters of a process, again every 50 ms: that is the truth. A notification only
makes the next look come sooner.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import psycopg

from schemas.errors import OtherEpoch
from schemas.receipts import Token

POLL_SECONDS = 0.05
LISTEN_SECONDS = 1.0

Looks = Mapping[str, Mapping[int, int]]
"""view -> partition -> the sequence that its active generation has reached."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Waited:
    """Whether the view got there, and how many seconds that took."""

    reached: bool
    seconds: float


class Waiting:
    """Lets requests wait for tokens; lives in one event loop."""

    def __init__(self, look: Callable[[], Looks], epoch: int) -> None:
        self._look = look
        self._epoch = epoch
        self._waiters: list[tuple[str, Token, asyncio.Future[bool]]] = []
        self._watch: asyncio.Task[None] | None = None
        self._moved = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def wait(self, view: str, token: Token, seconds: float) -> Waited:
        """Wait until `view` has reached `token`, `seconds` at most.

        Raises OtherEpoch for a token from before a restore: it says nothing about this store.
        """
        if token.epoch != self._epoch:
            raise OtherEpoch("the token is from before the store was restored", field="at_least")
        started = time.monotonic()
        self._loop = asyncio.get_running_loop()
        future: asyncio.Future[bool] = self._loop.create_future()
        waiter = (view, token, future)
        self._waiters.append(waiter)
        if self._watch is None or self._watch.done():
            self._watch = asyncio.create_task(self._run())
        try:
            reached = await asyncio.wait_for(future, max(seconds, POLL_SECONDS))
        except TimeoutError:
            reached = False
        finally:
            self._waiters.remove(waiter)
        return Waited(reached, time.monotonic() - started)

    def nudge(self) -> None:
        """Look now; from any thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._moved.set)

    async def _run(self) -> None:
        while self._waiters:
            self._moved.clear()
            try:
                looks = await asyncio.to_thread(self._look)
            except Exception as error:
                for _, _, future in self._waiters:
                    if not future.done():
                        future.set_exception(error)
                return
            for view, token, future in self._waiters:
                if not future.done() and _covers(looks.get(view, {}), token):
                    future.set_result(True)
            try:
                await asyncio.wait_for(self._moved.wait(), POLL_SECONDS)
            except TimeoutError:
                continue


def _covers(reached: Mapping[int, int], token: Token) -> bool:
    return all(reached.get(p, 0) >= sequence for p, sequence in token.sequences.items())


class Listener:
    """Calls `nudge` whenever a view moves; a thread with a connection of its own."""

    def __init__(self, conninfo: str, nudge: Callable[[], None]) -> None:
        self._conninfo = conninfo
        self._nudge = nudge
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="views-listener", daemon=True)

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def stop(self) -> None:
        """End within a second."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                with psycopg.connect(self._conninfo, autocommit=True) as connection:
                    connection.execute("LISTEN views_moved")
                    while not self._stop.is_set():
                        for _ in connection.notifies(timeout=LISTEN_SECONDS, stop_after=1):
                            self._nudge()
            except psycopg.OperationalError as error:
                # Only the accelerator is gone: the poll goes on.
                log.warning("not listening to the views: %s", type(error).__name__)
                self._stop.wait(LISTEN_SECONDS)
