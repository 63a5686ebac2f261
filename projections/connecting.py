"""The one way into the `views` database: an engine per process, and transactions that tell nothing.

PostgreSQL's DETAIL prints the row, somebody's phone number included, into the exception. So what
leaves a transaction here is an error of the house, without the database's text.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import orjson
import psycopg
from psycopg.rows import TupleRow
from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnectionFree

from schemas.errors import Broken, Unavailable

Cursor = psycopg.Cursor[TupleRow]


class Unstorable(Broken):
    """Some row holds a value that the database cannot take: NUL in a text, a number too large."""

    code = "unstorable"


WAIT_SECONDS = 10.0
"""How long a caller waits for a free connection, or for a new one."""


def views_engine(
    url: str, *, connections_max: int = 10, wait_seconds: float = WAIT_SECONDS
) -> Engine:
    """An engine for `postgresql+psycopg://…`; it connects when it is first used."""
    return create_engine(
        url,
        pool_size=connections_max,
        max_overflow=0,
        pool_timeout=wait_seconds,
        connect_args={"connect_timeout": max(1, round(wait_seconds))},
        pool_pre_ping=True,
        hide_parameters=True,
        json_serializer=orjson.dumps,
        json_deserializer=orjson.loads,
    )


@contextmanager
def transaction(engine: Engine) -> Iterator[Connection]:
    """A transaction, committed at the end.

    Raises Unavailable where the same may succeed later (database gone, deadlock, disk full, all
    connections in use), Unstorable for values that no table takes, and Broken with the SQLSTATE for
    the rest.
    """
    try:
        with engine.begin() as connection:
            yield connection
    except NoConnectionFree:
        raise Unavailable("all connections to the views database are in use") from None
    except DBAPIError as error:
        raise translated(error.orig) from None
    except psycopg.Error as error:
        raise translated(error) from None


def translated(error: Any) -> Unavailable | Broken:
    """A database error as one of ours, without its text."""
    state = getattr(error, "sqlstate", None)
    if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return Unavailable("the views database did not answer", sqlstate=state)
    if isinstance(error, psycopg.DataError):
        return Unstorable("the views database cannot hold a value", sqlstate=state)
    return Broken("the views database refused a statement", sqlstate=state)


def cursor_of(connection: Connection) -> Cursor:
    """The driver's own cursor within the connection's transaction, for COPY; binary results."""
    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    return driver.cursor(binary=True)
