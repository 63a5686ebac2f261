"""A store and its ring belong together: opened, or founded with the store's first row."""

import secrets
from pathlib import Path
from typing import Any

from psycopg import Connection

from schemas.errors import Broken
from store.info import FORMAT, StoreInfo, read_info
from store.ring import Ring, RingFault


def found(
    connection: Connection[Any], ring_folder: Path, partitions: int
) -> tuple[StoreInfo, Ring]:
    """Open the store with its ring, or found it: the ring is made before the first row, and never
    for a store that has one. `connection` is in autocommit mode.

    Raises RingFault for a missing, open or foreign ring; Broken for another partition count.
    """
    with connection.transaction():
        # Two processes may start at once on a new store; only one may make the ring.
        connection.execute("LOCK TABLE store_info IN EXCLUSIVE MODE")
        info = read_info(connection)
        if info is None:
            exists = ring_folder.is_dir() and any(ring_folder.iterdir())
            ring = Ring.open(ring_folder) if exists else Ring.create(ring_folder)
            info = StoreInfo(FORMAT, secrets.randbits(40), partitions, ring.identity)
            connection.execute(
                "INSERT INTO store_info (format, epoch, partitions, ring) VALUES (%s, %s, %s, %s)",
                [info.format, info.epoch, info.partitions, info.ring],
            )
            return info, ring
    ring = Ring.open(ring_folder)
    if ring.identity != info.ring:
        raise RingFault("RING_DIR holds another store's ring: set it to the one of this store")
    if info.partitions != partitions:
        raise Broken(
            f"the store has {info.partitions} partitions and the setting says {partitions}: the "
            f"count is fixed when a store is made; set BACKBONE_PARTITIONS={info.partitions}"
        )
    return info, ring
