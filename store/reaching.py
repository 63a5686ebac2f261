"""A connection to the store, and one word for everything that keeps us from having one."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import Connection
from psycopg_pool import ConnectionPool, PoolTimeout

from schemas.errors import Unavailable

Pool = ConnectionPool[Connection[Any]]
"""Connections in autocommit mode: each statement is a transaction of its own, one round trip."""


class ConnectionLost(Unavailable):
    """The connection broke in mid-work: whether the last commit went through is not known."""


@contextmanager
def reach(pool: Pool) -> Iterator[Connection[Any]]:
    """A connection of the pool; raises Unavailable when there is none for now."""
    try:
        with pool.connection() as connection:
            yield connection
    except PoolTimeout:
        raise Unavailable("the store cannot be reached: send the same again") from None
    except psycopg.OperationalError:
        # A server that was started again has cut the idle connections too: without this each of
        # them would fail one more caller.
        pool.check()
        raise ConnectionLost("the store cannot be reached: send the same again") from None
