"""The only builder: every part is made here, and handed what it needs.

Tests build the same things with other parts. Nothing here starts a thread or connects before it is
entered as a context.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from eventsourcing.persistence import EventStore
from psycopg import Connection
from psycopg_pool import ConnectionPool

from backbone.databases import databases
from backbone.migrating import migrated
from backbone.settings import Settings
from schemas.errors import Broken
from schemas.registry import Registry
from store.appender import Appender
from store.directory import Directory
from store.erasing import Eraser
from store.founding import found
from store.history import History
from store.ids import Ids
from store.info import StoreInfo, read_info
from store.keys import Keys
from store.mapper import EventMapper
from store.recorder import Recorder
from store.repeats import Repeats
from store.ring import Ring
from store.sealing import Seal, seal
from store.subjects import Subjects
from store.waiting_line import WaitingLine

Pool = ConnectionPool[Connection[Any]]
POOL_CONNECTIONS_MAX = 12


@dataclass(frozen=True, slots=True)
class Store:
    """The write side's store, open: what seals, what appends, what reads back."""

    info: StoreInfo
    registry: Registry
    ids: Ids
    recorder: Recorder
    events: EventStore[str]
    repeats: Repeats
    appender: Appender
    history: History
    subjects: Subjects
    keys: Keys
    eraser: Eraser


def conninfo(url: str) -> str:
    """A SQLAlchemy URL as psycopg takes it."""
    return url.replace("postgresql+psycopg://", "postgresql://", 1)


@contextmanager
def pool_for(
    url: str, connections_max: int = POOL_CONNECTIONS_MAX, wait_seconds: float = 10
) -> Iterator[Pool]:
    """A pool of connections in autocommit mode: a statement of its own costs one round trip."""
    pool: Pool = ConnectionPool(
        conninfo(url),
        kwargs={"autocommit": True},
        min_size=1,
        max_size=connections_max,
        open=False,
        timeout=wait_seconds,
    )
    with pool:
        yield pool


@contextmanager
def open_store(
    url: str,
    ring_dir: Path,
    partitions: int,
    *,
    registry: Registry | None = None,
    queue_events_max: int = 10_000,
    locked: bool = True,
    seal: Seal = seal,
) -> Iterator[Store]:
    """Bring the store up to date, found it if it is new, and run its appender.

    Raises Unavailable where it cannot be reached, RingFault and Broken as `found` and `migrated`
    do. `locked=False` and another `seal` are for the tests of what both of them are for.
    """
    with migrated(url, "store") as connection:
        info, ring = found(connection, ring_dir, partitions)
    with pool_for(url) as pool:
        recorder = Recorder(pool, info.partitions, locked=locked)
        store = _store(pool, info, ring, registry or Registry(), recorder, queue_events_max, seal)
        store.appender.start()
        try:
            yield store
        finally:
            store.appender.stop()


def _store(
    pool: Pool,
    info: StoreInfo,
    ring: Ring,
    registry: Registry,
    recorder: Recorder,
    queue_max: int,
    seal: Seal,
) -> Store:
    ids = Ids(ring.id)
    mapper = EventMapper(registry, ring, ids, info.partitions, seal)
    repeats = Repeats(recorder, ring, info)
    return Store(
        info=info,
        registry=registry,
        ids=ids,
        recorder=recorder,
        events=EventStore(mapper, recorder),
        repeats=repeats,
        appender=Appender(
            recorder,
            Directory(pool, ring, ids, seal),
            mapper,
            repeats,
            info,
            WaitingLine(queue_max),
        ),
        history=History(pool, info, registry),
        subjects=Subjects(pool, ring),
        keys=Keys(pool, ring),
        eraser=Eraser(pool, ring, recorder, mapper),
    )


@contextmanager
def store_of(settings: Settings, *, make: bool = False) -> Iterator[Store]:
    """The store that the settings name, for one command of the command line."""
    with (
        databases(settings, make=make) as at,
        open_store(
            at.store,
            settings.ring_dir,
            settings.partitions,
            queue_events_max=settings.append_queue_max,
        ) as store,
    ):
        yield store


@contextmanager
def open_history(url: str, registry: Registry | None = None) -> Iterator[History]:
    """Read the log without any key: for projectors, rebuilds and audits of sealed values."""
    with pool_for(url) as pool:
        try:
            with pool.connection() as connection:
                info = read_info(connection)
        except psycopg.errors.UndefinedTable:
            info = None
        if info is None:
            raise Broken("this store was never started: run `backbone up` once")
        yield History(pool, info, registry or Registry())
