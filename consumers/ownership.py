"""Which partitions a process may read: a lock each, held as long as a connection lives.

Processes that share a view ask for the locks of the partitions they want; who does not get one
waits, and takes over when its holder dies. The locks only keep two from doing the same work: what
keeps a view right is its checkpoint's compare-and-set.
"""

import time
from collections.abc import Callable, Collection
from typing import Any, Protocol

from psycopg import Connection

from consumers.databases import asking, connect
from schemas.errors import Unavailable

LOOK_SECONDS = 0.5
"""How often the lock connection is looked after, and missing locks are asked for again."""

_TAKE = """
    SELECT p FROM unnest(%s::integer[]) p
    WHERE pg_try_advisory_lock(hashtextextended(%s || ' ' || p, 0))
"""


class Ownership(Protocol):
    """Tells which partitions may be read now."""

    def owned(self) -> frozenset[int]:
        """The partitions; raises Unavailable where it cannot tell, and then none may be read."""

    def doubt(self) -> None:
        """The next answer must be certain, not remembered."""

    def close(self) -> None:
        """Let go of everything."""


class Fixed:
    """Always the same partitions, for a reader that nobody else competes with."""

    def __init__(self, partitions: Collection[int]) -> None:
        self._partitions = frozenset(partitions)

    def owned(self) -> frozenset[int]:
        return self._partitions

    def doubt(self) -> None:
        """Nothing to ask."""

    def close(self) -> None:
        """Nothing to let go of."""


class PartitionLocks:
    """Session locks on partitions of one thing, `name`: `projector profile g1`.

    `url` is a PostgreSQL's, as libpq or SQLAlchemy writes it; `database` is what messages call it.
    Connects when first asked. A process that stands still keeps its connection, and so its locks:
    with `silent_seconds_max` the server ends the connection of one that has not asked for so long.
    """

    def __init__(
        self,
        url: str,
        name: str,
        wanted: Collection[int],
        *,
        database: str = "views database",
        silent_seconds_max: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._url = url
        self._database = database
        self._silent_ms_max = int(1000 * (silent_seconds_max or 0))
        self._name = name
        self._wanted = frozenset(wanted)
        self._held: frozenset[int] = frozenset()
        self._connection: Connection[Any] | None = None
        self._clock = clock
        self._looked_at = float("-inf")

    def owned(self) -> frozenset[int]:
        """The partitions whose lock this connection holds."""
        if self._clock() - self._looked_at >= LOOK_SECONDS:
            try:
                with asking(self._database):
                    self._look()
            except Unavailable:
                self.close()
                raise
            self._looked_at = self._clock()
        return self._held

    def doubt(self) -> None:
        """Ask the connection before the next answer."""
        self._looked_at = float("-inf")

    def close(self) -> None:
        """Give all locks back; the connection's end does it."""
        self._held = frozenset()
        self.doubt()
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _look(self) -> None:
        """Ask for what is missing; finds out whether the connection, and so the locks, live."""
        if self._connection is None:
            self._connection = connect(self._url, self._name)
            if self._silent_ms_max:
                silence = f"SET idle_session_timeout = {self._silent_ms_max}"
                self._connection.execute(silence.encode())
        missing = sorted(self._wanted - self._held)
        taken = self._connection.execute(_TAKE, [missing, self._name]).fetchall()
        self._held |= {row[0] for row in taken}
