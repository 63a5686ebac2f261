"""What a store says of itself: format, epoch, partition count and ring. Reaches no key."""

from dataclasses import dataclass
from typing import Any

from psycopg import Connection

from schemas.errors import Broken

FORMAT = 1
"""The shape of what is stored. Until release 1.0 an older store is refused, not converted."""


@dataclass(frozen=True, slots=True)
class StoreInfo:
    """The store's one row about itself. A store restored from a backup has another epoch."""

    format: int
    epoch: int
    partitions: int
    ring: bytes


def read_info(connection: Connection[Any]) -> StoreInfo | None:
    """The store's row about itself, or None before it was founded. Raises Broken for a format
    that this release does not read."""
    row = connection.execute("SELECT format, epoch, partitions, ring FROM store_info").fetchone()
    if row is None:
        return None
    info = StoreInfo(*row)
    if info.format != FORMAT:
        raise Broken(
            f"the store has format {info.format}, this release reads format {FORMAT}: start the "
            "release that made it, or a new store (another DATA_DIR) filled from the sources"
        )
    return info
