"""A real store with a log in it, for what reads logs: events go in raw, nothing is sealed anew."""

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import orjson
import psycopg
from eventsourcing.persistence import StoredEvent
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from backbone.reading_side import open_views
from backbone.wiring import Store, conninfo, open_store
from consumers.store_watch import StoreWatch
from schemas.envelope import Event
from schemas.errors import Unavailable
from store.history import History

PARTITIONS = 4
WAIT_SECONDS = 20.0
_LOOK_SECONDS = 0.01


@dataclass(frozen=True, slots=True)
class World:
    """A store with its watch, and a migrated views database."""

    store: Store
    store_url: str
    views_url: str
    engine: Engine
    watch: StoreWatch

    @property
    def history(self) -> History:
        return self.store.history

    def append(self, *events: Event) -> None:
        """Append these events' types and data for their subjects, in this order."""
        self.store.recorder.insert_events(stored(events))

    def append_surely(self, *events: Event) -> None:
        """Append, again where the connection was cut; perhaps twice."""

        def appended() -> bool:
            self.append(*events)
            return True

        until(appended, "the events are appended")

    def log(self) -> list[Event]:
        """The whole log, in order."""
        return self.history.from_position(0, 10**9)

    def cut(self, application: str) -> int:
        """End every connection of that name, on the server's side; how many there were."""
        return cut(self.views_url, application) + cut(self.store_url, application)


_numbers = count(1)


def stored(events: Iterable[Event]) -> list[StoredEvent]:
    """The events as rows of the log, each on a stream of its own."""
    return [
        StoredEvent(
            f"{event.subject}/touchpoint/{next(_numbers)}", 1, event.type, orjson.dumps(event.data)
        )
        for event in events
    ]


@contextmanager
def world(new_database: Callable[[str], str], folder: Path) -> Iterator[World]:
    """A fresh World on two databases."""
    store_url, views_url = new_database("store"), new_database("views")
    watch = StoreWatch(store_url)
    with (
        open_store(store_url, folder / "ring", PARTITIONS) as store,
        open_views(views_url) as engine,
    ):
        watch.start()
        try:
            yield World(store, store_url, views_url, engine, watch)
        finally:
            watch.stop()


def cut(url: str, application: str) -> int:
    """End this database's connections whose application name begins so."""
    with psycopg.connect(conninfo(url), autocommit=True) as connection:
        ended = connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid() "
            "AND application_name LIKE %s || '%%'",
            [application],
        )
        return len(ended.fetchall())


def until(condition: Callable[[], bool], what: str, seconds: float = WAIT_SECONDS) -> None:
    """Wait until something is so that nobody announces; fails after `seconds`.

    Where the databases cannot be asked, it is not so yet.
    """
    never = threading.Event()
    for _ in range(int(seconds / _LOOK_SECONDS)):
        with suppress(Unavailable, psycopg.OperationalError, OperationalError):
            if condition():
                return
        never.wait(_LOOK_SECONDS)
    raise AssertionError(f"not within {seconds} s: {what}")
