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
CONNECT_SECONDS_MAX = 5
LISTENER = "backbone views listener"
"""As the database's list of connections names it."""

Looks = Mapping[str, Mapping[int, int]]
"""view -> partition -> the sequence that its active generation has reached."""

log = logging.getLogger(__name__)


def covers(reached: Mapping[int, int], token: Token) -> bool:
    """Whether a view that has read so far has read everything that the token stands for."""
    return all(reached.get(p, 0) >= sequence for p, sequence in token.sequences.items())


@dataclass(eq=False, slots=True)
class _Waiter:
    view: str
    token: Token
    future: "asyncio.Future[None]"


class Waiting:
    """Lets requests wait for tokens; lives in one event loop."""

    def __init__(self, look: Callable[[], Looks], epoch: int) -> None:
        self._look = look
        self._epoch = epoch
        self._waiters: set[_Waiter] = set()
        self._watch: asyncio.Task[None] | None = None
        self._moved = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def wait(self, view: str, token: Token, seconds: float) -> float:
        """Wait until `view` has reached `token`, `seconds` at most; the seconds that it took.

        Raises OtherEpoch for a token from before a restore: it says nothing about this store.
        """
        if token.epoch != self._epoch:
            raise OtherEpoch("the token is from before the store was restored", field="at_least")
        if not token.sequences:
            return 0.0
        started = time.monotonic()
        self._loop = asyncio.get_running_loop()
        waiter = _Waiter(view, token, self._loop.create_future())
        self._waiters.add(waiter)
        if self._watch is None or self._watch.done():
            self._moved = asyncio.Event()
            self._watch = asyncio.create_task(self._run())
        try:
            async with asyncio.timeout(seconds):
                await waiter.future
        except TimeoutError:
            pass
        finally:
            # Also of one whose client has gone: nobody looks for him any more.
            self._waiters.discard(waiter)
        return time.monotonic() - started

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
                for waiter in self._waiters:
                    if not waiter.future.done():
                        waiter.future.set_exception(error)
                return
            for waiter in self._waiters:
                if not waiter.future.done() and covers(looks.get(waiter.view, {}), waiter.token):
                    waiter.future.set_result(None)
            try:
                async with asyncio.timeout(POLL_SECONDS):
                    await self._moved.wait()
            except TimeoutError:
                continue


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
        """End within a second, or when a connection that is being made is given up."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                with self._connected() as connection:
                    connection.execute("LISTEN views_moved")
                    while not self._stop.is_set():
                        for _ in connection.notifies(timeout=LISTEN_SECONDS, stop_after=1):
                            self._nudge()
            except psycopg.Error as error:
                # Only the accelerator is gone: the poll goes on.
                log.warning("not listening to the views: %s", type(error).__name__)
                self._stop.wait(LISTEN_SECONDS)

    def _connected(self) -> psycopg.Connection:
        return psycopg.connect(
            self._conninfo,
            autocommit=True,
            connect_timeout=CONNECT_SECONDS_MAX,
            application_name=LISTENER,
        )
