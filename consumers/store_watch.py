"""One connection of a process that watches the store: who wants is woken when it moves.

LISTEN is a hint that saves waiting; every reader polls as well, so a lost notification or a dead
watch costs at most a second.
"""

import logging
import selectors
import socket
import threading
from typing import Any

import psycopg
from psycopg import Connection
from psycopg.pq.abc import PGconn

from consumers.backoff import Backoff
from consumers.databases import asking, connect
from schemas.errors import Broken, Unavailable
from store.info import read_info

CHANNEL = "store_moved"

log = logging.getLogger(__name__)


class StoreWatch:
    """Wakes readers of one store; `start` and `stop` frame its thread. Shared by all readers.

    `url` is the store's, as libpq or SQLAlchemy writes it.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._wanted: set[threading.Event] = set()
        self._lock = threading.Lock()
        self._connection: Connection[Any] | None = None
        self._stopping = threading.Event()
        self._wake, self._woken = socket.socketpair()
        self._thread = threading.Thread(target=self._run, name="store-watch", daemon=True)

    def start(self) -> None:
        """Begin to listen; connects in its own thread, again and again until it succeeds."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread and its connection."""
        self._stopping.set()
        self._wake.send(b"x")
        if self._thread.is_alive():
            self._thread.join()
        self._disconnect()
        self._wake.close()
        self._woken.close()

    def subscribe(self, moved: threading.Event) -> None:
        """Set this event whenever the store moved, and when the watch lost sight of it."""
        self._wanted = self._wanted | {moved}

    def unsubscribe(self, moved: threading.Event) -> None:
        """No more of that."""
        self._wanted = self._wanted - {moved}

    def epoch(self) -> int:
        """The epoch that the store has at this moment; raises Unavailable."""
        with self._lock, asking("store"):
            try:
                info = read_info(self._connected())
            except psycopg.Error:
                self._disconnect()
                self._wake.send(b"x")  # whoever waits on the socket would not see it closed
                raise
        if info is None:
            raise Broken("this store was never started: run `backbone up` once")
        return info.epoch

    def _run(self) -> None:
        backoff = Backoff()
        while not self._stopping.is_set():
            try:
                with self._lock, asking("store"):
                    connection = self._connected()
                backoff.reset()
                self._listen(connection)
            except (Unavailable, Broken) as fault:
                log.warning("the watch on the store is interrupted: %s", fault.code)
                with self._lock:
                    self._disconnect()
                self._tell()
                self._stopping.wait(backoff.after_fault())

    def _listen(self, connection: Connection[Any]) -> None:
        """Hand on what is notified until the connection or the watch ends."""
        with selectors.DefaultSelector() as selector, asking("store"):
            selector.register(connection.fileno(), selectors.EVENT_READ)
            selector.register(self._woken, selectors.EVENT_READ)
            while not self._stopping.is_set():
                ready = [key.fileobj for key, _ in selector.select()]
                if self._woken in ready:
                    self._woken.recv(64)
                with self._lock:
                    if connection is not self._connection:
                        return
                    # Not `notifies()`: psycopg keeps it apart from the handler below.
                    connection.pgconn.consume_input()  # raises where the connection broke
                    if _emptied(connection.pgconn):
                        self._tell()

    def _connected(self) -> Connection[Any]:
        if self._connection is None:
            connection = connect(self._url, "store watch")
            # For those that arrive while `epoch` asks.
            connection.add_notify_handler(lambda _notification: self._tell())
            connection.execute(f"LISTEN {CHANNEL}")
            self._connection = connection
        return self._connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _tell(self) -> None:
        for moved in self._wanted:
            moved.set()


def _emptied(received: PGconn) -> bool:
    """Take out what was notified; whether there was anything."""
    anything = False
    while received.notifies() is not None:
        anything = True
    return anything
