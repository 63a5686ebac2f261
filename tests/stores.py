"""The event store as tests use it: opened on a fresh database and ring, and things to append."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from eventsourcing.persistence import StoredEvent
from sqlalchemy import make_url

from backbone.wiring import Store, conninfo, open_store
from schemas.canonical import canonical
from schemas.envelope import When
from schemas.identifiers import Identifier, parse_identifier
from schemas.people import SubjectErased
from schemas.receipts import Receipt
from schemas.references import Door
from store.drafts import Append, Draft, Who, who_text
from store.erasing import Erasure
from store.rows import Row, bare_row

PARTITIONS = 4
T0 = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECONDS_MAX = 60.0
"""How long a test waits for an answer, so that a hang is a failure and not a silence."""


@contextmanager
def opened(url: str, ring: Path, **changes: Any) -> Iterator[Store]:
    """A store of four partitions with its appender running."""
    with open_store(url, ring, PARTITIONS, **changes) as store:
        yield store


def who(text: str) -> Identifier:
    """An identifier by its text, `crm:1`."""
    return parse_identifier(text, "BE")


def complaint(
    store: Store, of: Who | str, channel_id: str, *, text: str | None = None, **changes: Any
) -> Draft:
    """A complaint, which the shop calls `channel_id`; `text` is what was said, its content."""
    data = {"channel": "voice", "via": "direct", "issue": "late"}
    return touchpoint(
        store, of, channel_id, "complaint.made", data | ({"text": text} if text else {}), **changes
    )


def registration(
    store: Store, of: Who | str, channel_id: str, *, phone: str, **changes: Any
) -> Draft:
    """A registration, with a family name and a telephone that is a subject of its own."""
    data = {
        "party": "person",
        "relationship": "customer",
        "name_family": "Peeters",
        "points": [{"kind": "phone", "value": phone}],
    }
    return touchpoint(store, of, channel_id, "customer.registered", data, **changes)


def touchpoint(
    store: Store, of: Who | str, channel_id: str, event_type: str, data: Any, **changes: Any
) -> Draft:
    """What a channel reports; a text with a colon is an identifier."""
    if isinstance(of, str) and ":" in of and not of.startswith("@"):
        of = who(of)
    event_id = store.ids.event_id("shop", channel_id)
    door = Door("shop", "BE", store.ids)
    values: dict[str, Any] = {
        "event_id": event_id,
        "data": store.registry.parse(event_type, 1, data, door),
        "content": canonical({"type": event_type, "subject": who_text(of), "data": data}),
        "who": of,
        "stream": f"touchpoint/{event_id}",
        "when": When(T0),
        "source": "shop",
        "actor": "channel:shop",
        "points": door.points,
    }
    return Draft(**(values | changes))


def append(store: Store, *drafts: Draft, command_id: UUID | None = None, **changes: Any) -> Receipt:
    """Append and wait for the receipt."""
    appended = Append(drafts, command_id=command_id, **changes)
    return store.appender.submit(appended).result(SECONDS_MAX)


def report(store: Store, of: Who | str, channel_id: str, **changes: Any) -> Receipt:
    """Report one complaint and wait for its receipt."""
    return append(store, complaint(store, of, channel_id, **changes))


def subject_of(store: Store, text: str) -> str | None:
    """The subject behind an identifier, or None."""
    identifier = who(text)
    return store.eraser.subject_of(identifier.kind, identifier.normal)


def erased_draft(store: Store, subject: str) -> Draft:
    """The `subject.erased` of a subject, the same at every call."""
    data = SubjectErased(reason="request", keys_destroyed=len(store.eraser.keys_of(subject)))
    return Draft(
        event_id=store.ids.event_id("house", f"erase {subject}"),
        data=data,
        content=canonical({"type": data.TYPE, "subject": subject}),
        who=subject,
        stream="subject",
        when=When(),
        source="house",
        actor="house:test",
    )


def erase(store: Store, subject: str) -> Erasure:
    """Erase a subject."""
    return store.eraser.erase(subject, erased_draft(store, subject))


def row(stream: str, channel_id: str, state: bytes = b"{}") -> Row:
    """A bare row for the recorder, of a stream `@kind:code/…`."""
    bare = bare_row(StoredEvent(stream, 1, "intake.reported", state), PARTITIONS)
    return bare._replace(event_id=UUID(bytes=channel_id.encode().rjust(16, b"0")))


def ask(url: str, query: str, parameters: Iterable[Any] = ()) -> list[tuple[Any, ...]]:
    """The rows of a query, in a connection of its own."""
    with psycopg.connect(conninfo(url), autocommit=True) as connection:
        cursor = connection.execute(query.encode(), list(parameters))
        return cursor.fetchall() if cursor.description else []


def count(url: str, table: str) -> int:
    """How many rows a table has."""
    return int(ask(url, f"SELECT count(*) FROM {table}")[0][0])


def types(url: str) -> list[str]:
    """The log's event types, in order of position."""
    return [kind for (kind,) in ask(url, "SELECT type FROM events ORDER BY position")]


@contextmanager
def server_of(url: str) -> Iterator[tuple[psycopg.Connection[Any], str]]:
    """A connection to another database of the same server, and this one's name."""
    at = make_url(url)
    other = at.set(database="postgres").render_as_string(hide_password=False)
    with psycopg.connect(conninfo(other), autocommit=True) as connection:
        yield connection, str(at.database)


def cut_connections(url: str) -> None:
    """End every session on the database, as a server's restart does."""
    with server_of(url) as (connection, name):
        connection.execute(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = %s",
            [name],
        )


@contextmanager
def unreachable(url: str) -> Iterator[None]:
    """The database refuses everybody, until the block ends."""
    with server_of(url) as (connection, name):
        connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false'.encode())
        try:
            cut_connections(url)
            yield
        finally:
            connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true'.encode())


def restored_copy(url: str, new_database: Callable[[str], str]) -> str:
    """The URL of a copy of the database as it is now: a backup that was restored elsewhere."""
    copy = new_database("restored")
    cut_connections(url)
    with server_of(url) as (connection, name):
        copied = make_url(copy).database
        connection.execute(f'DROP DATABASE "{copied}"'.encode())
        connection.execute(f'CREATE DATABASE "{copied}" TEMPLATE "{name}"'.encode())
    return copy


@contextmanager
def append_lock_held(url: str) -> Iterator[Callable[[int], None]]:
    """Nobody can append until the block ends; what is given waits until so many want to."""
    with psycopg.connect(conninfo(url), autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(4242001)")

        def wait_for(waiting: int) -> None:
            query = """
                SELECT count(*) >= %s FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
                AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
            """
            while connection.execute(query, [waiting]).fetchone() != (True,):
                pass

        yield wait_for
