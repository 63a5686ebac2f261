"""A gate in the middle of an append: whoever comes first waits there, after it has looked at the
log and before it takes its place in it. So an interleaving is built, and not hoped for."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg

from backbone.wiring import conninfo
from tests.feeding import until

# The append looks for living keys in the same statement, so with the same snapshot, as for ids and
# expectations. A view in place of the table makes that look wait for the gate.
_BUILD = """
    CREATE FUNCTION gate() RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
    BEGIN
        IF pg_try_advisory_xact_lock(7001) THEN
            PERFORM pg_advisory_xact_lock(7002);
        END IF;
        RETURN true;
    END $$;
    ALTER TABLE subject_keys RENAME TO subject_keys_behind_the_gate;
    CREATE VIEW subject_keys AS SELECT * FROM subject_keys_behind_the_gate WHERE gate()
"""
_WAITING = """
    SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


class Gate:
    """Closed until `open`."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection

    def waiting(self) -> int:
        """How many wait, at the gate or for the append's lock behind it."""
        row = self._connection.execute(_WAITING).fetchone()
        assert row is not None
        return int(row[0])

    def until(self, condition: Callable[[], bool], what: str) -> None:
        """Wait until something is so."""
        until(condition, what)

    def open(self) -> None:
        """Let who waits go on."""
        self._connection.execute("SELECT pg_advisory_unlock_all()")


@contextmanager
def gate(url: str) -> Iterator[Gate]:
    """A closed gate in this store; every subject must be known to the appenders before."""
    with psycopg.connect(conninfo(url), autocommit=True) as connection:
        connection.execute(_BUILD)
        connection.execute("SELECT pg_advisory_lock(7002)")
        yield Gate(connection)
