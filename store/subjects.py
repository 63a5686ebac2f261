"""Which subject an identifier leads to, asked without making one."""

from typing import Any, Literal

import psycopg
from psycopg import Connection
from psycopg_pool import ConnectionPool, PoolTimeout

from schemas.errors import Unavailable
from schemas.identifiers import Identifier
from store.ids import lookup
from store.ring import Ring

Standing = Literal["unknown", "living", "erased"]

_FIND = "SELECT subject FROM identifiers WHERE lookup = %s"
_STANDING = (
    "SELECT key_id, wrapped IS NULL FROM subject_keys WHERE subject = %s AND class = 'identity'"
)


class Subjects:
    """Looks subjects up; never mints one."""

    def __init__(self, pool: ConnectionPool[Connection[Any]], ring: Ring) -> None:
        self._pool = pool
        self._ring = ring

    def find(self, identifier: Identifier) -> str | None:
        """The identifier's subject, or None; after an erasure nothing leads to it any more.

        A restored copy of the database still has the row: the ring's list decides.
        """
        row = self._one(_FIND, lookup(self._ring.lookup, identifier.kind, identifier.normal))
        if row is None or self.standing(row[0]) != "living":
            return None
        return str(row[0])

    def standing(self, subject: str) -> Standing:
        """Whether a subject was ever made, and whether it was erased."""
        row = self._one(_STANDING, subject)
        if row is None:
            return "unknown"
        self._ring.refresh()
        key_id, gone = row
        return "erased" if gone or self._ring.is_destroyed(key_id) else "living"

    def _one(self, query: str, parameter: bytes | str) -> tuple[Any, ...] | None:
        try:
            with self._pool.connection() as connection:
                return connection.execute(query, [parameter]).fetchone()
        except (psycopg.OperationalError, PoolTimeout):
            raise Unavailable("the store cannot be reached: try again") from None
