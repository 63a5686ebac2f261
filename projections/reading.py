"""Reading a view: by the generation that the pointer names, cached for a moment."""

import time
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection, Engine

from projections import generations
from projections.connecting import transaction
from schemas.errors import Broken, Unavailable

T = TypeVar("T")

POINTER_SECONDS = 1.0
"""How long a process may go on reading a generation after another one became active."""

_NO_SUCH_TABLE = "42P01"
_TRIES = 3


class Reader:
    """Runs queries on the active generations. One per process; may be used by many threads."""

    def __init__(
        self,
        engine: Engine,
        *,
        pointer_seconds: float = POINTER_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._engine = engine
        self._pointer_seconds = pointer_seconds
        self._clock = clock
        self._pointers: dict[str, tuple[int, float]] = {}

    def read(self, view: str, query: Callable[[Connection, int], T]) -> T:
        """What `query` answers, given a connection and the view's active generation.

        A query that meets a dropped table runs again on the generation that took its place: the
        query must not have effects. Raises Unavailable where the view has no generation yet.
        """
        for _ in range(_TRIES):
            try:
                with transaction(self._engine) as connection:
                    return query(connection, self._generation(connection, view))
            except Broken as fault:
                if fault.numbers.get("sqlstate") != _NO_SUCH_TABLE:
                    raise
                self._pointers.pop(view, None)
        raise Unavailable(f"the tables of {view} are being replaced")

    def _generation(self, connection: Connection, view: str) -> int:
        known = self._pointers.get(view)
        if known is not None and self._clock() < known[1]:
            return known[0]
        generation = generations.active(connection, view)
        if generation is None:
            raise Unavailable(f"{view} has no generation yet")
        self._pointers[view] = generation, self._clock() + self._pointer_seconds
        return generation
