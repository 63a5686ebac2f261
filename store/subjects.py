"""Which subject an identifier leads to, asked without making one."""

from collections.abc import Sequence
from typing import Any, Literal

from psycopg import Connection

from schemas.identifiers import Identifier
from store.drafts import Who
from store.ids import lookup
from store.reaching import Pool, reach
from store.ring import Ring

Standing = Literal["unknown", "living", "erased"]

_FIND = "SELECT lookup, subject FROM identifiers WHERE lookup = ANY(%s)"
_STANDING = """
    SELECT subject, key_id, wrapped IS NULL FROM subject_keys
    WHERE subject = ANY(%s) AND class = 'identity'
"""


class Subjects:
    """Looks subjects up; never mints one. Safe to share between threads."""

    def __init__(self, pool: Pool, ring: Ring) -> None:
        self._pool = pool
        self._ring = ring

    def living(self, asked: Sequence[Who]) -> list[str | None]:
        """The living subject of each identifier or subject that is asked for, else None.

        Two statements for all of them. After an erasure nothing leads from an identifier to its
        subject; a restored copy of the database still has the row, so the ring's list decides.
        """
        lookups = [self._lookup(who) if isinstance(who, Identifier) else None for who in asked]
        with reach(self._pool) as connection:
            wanted = [found_by for found_by in lookups if found_by is not None]
            found = dict(connection.execute(_FIND, [wanted]).fetchall()) if wanted else {}
            names = [
                who if isinstance(who, str) else found.get(found_by)
                for who, found_by in zip(asked, lookups, strict=True)
            ]
            standing = self._standing(connection, {name for name in names if name is not None})
        return [n if n is not None and standing.get(n) == "living" else None for n in names]

    def find(self, identifier: Identifier) -> str | None:
        """The identifier's living subject, or None."""
        return self.living([identifier])[0]

    def standing(self, subject: str) -> Standing:
        """Whether a subject was ever made, and whether it was erased."""
        with reach(self._pool) as connection:
            return self._standing(connection, {subject}).get(subject, "unknown")

    def _lookup(self, identifier: Identifier) -> bytes:
        return lookup(self._ring.lookup, identifier.kind, identifier.normal)

    def _standing(self, connection: Connection[Any], subjects: set[str]) -> dict[str, Standing]:
        self._ring.refresh()
        rows = connection.execute(_STANDING, [list(subjects)])
        return {
            subject: "erased" if gone or self._ring.is_destroyed(key_id) else "living"
            for subject, key_id, gone in rows
        }
