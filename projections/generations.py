"""Generations of a view: made, listed, switched to, dropped; and the pointer that readers follow.

building -> ready -> active -> retired. A building one is being loaded and has no keys yet: no
projector may run on it. A retired one stands still; to be read again it is marked ready first, and
brought up like any other.
"""

import time
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, Engine, text

from projections import checkpoints
from projections.connecting import transaction
from projections.tables import create_indexes, create_tables, drop_tables
from projections.view import View
from schemas.errors import Broken, NotFound, Unavailable

State = Literal["building", "ready", "active", "retired"]

SWITCH_POLL_SECONDS = 0.02


class Retired(Broken):
    """Readers left this generation: it stands still, so that nobody who comes late goes back."""

    code = "retired"


@dataclass(frozen=True, slots=True)
class Generation:
    """One set of tables of a view, with the fold version that fills it."""

    view: str
    generation: int
    fold_version: int
    state: State
    made_at: datetime


def create(
    engine: Engine, view: View, *, partitions: int, epoch: int, bulk: bool = False
) -> Generation:
    """Make the next generation: empty tables, and a checkpoint at 0 for every partition.

    With `bulk` the tables have no keys and indexes yet; `loading.load` makes them last.
    """
    with transaction(engine) as connection:
        _lock_view(connection, view)
        number = connection.scalar(
            text(
                "INSERT INTO generation_numbers AS n (view, last) VALUES (:view, 1) "
                "ON CONFLICT (view) DO UPDATE SET last = n.last + 1 RETURNING last"
            ),
            {"view": view.name},
        )
        assert isinstance(number, int)
        connection.execute(
            text(
                "INSERT INTO generations (view, generation, fold_version, state) "
                "VALUES (:view, :generation, :version, :state)"
            ),
            {
                "view": view.name,
                "generation": number,
                "version": view.version,
                "state": "building" if bulk else "ready",
            },
        )
        connection.execute(
            text(
                "INSERT INTO checkpoints (view, generation, partition, epoch) "
                "SELECT :view, :generation, p, :epoch FROM generate_series(0, :last) p"
            ),
            {"view": view.name, "generation": number, "epoch": epoch, "last": partitions - 1},
        )
        create_tables(connection, view, number)
        if not bulk:
            create_indexes(connection, view, number)
        return _one(connection, view, number)


def ensure(engine: Engine, view: View, *, partitions: int, epoch: int) -> Generation:
    """The active generation; where a view has none yet, a first one, empty and active."""
    with transaction(engine) as connection:
        known = active(connection, view.name)
        if known is not None:
            return _one(connection, view, known)
    made = create(engine, view, partitions=partitions, epoch=epoch)
    with transaction(engine) as connection:
        _lock_view(connection, view)
        known = active(connection, view.name)
        if known is None:
            _point(connection, view, made.generation)
            return _one(connection, view, made.generation)
    drop(engine, view, made.generation)  # another process was first
    with transaction(engine) as connection:
        return _one(connection, view, known)


def active(connection: Connection, view: str) -> int | None:
    """The generation that readers read, or None before the first."""
    found = connection.scalar(
        text("SELECT generation FROM pointers WHERE view = :view"), {"view": view}
    )
    return None if found is None else int(found)


def listed(connection: Connection, view: str | None = None) -> list[Generation]:
    """The generations of one view, or of all, in order."""
    rows = connection.execute(
        text(
            "SELECT view, generation, fold_version, state, made_at FROM generations "
            "WHERE CAST(:view AS text) IS NULL OR view = :view ORDER BY view, generation"
        ),
        {"view": view},
    )
    return [Generation(*row) for row in rows]


def refuse_retired(connection: Connection, view: str, generation: int) -> None:
    """Raises Retired where readers were sent to another generation.

    A switch makes sure that the new generation is not behind the old one. If the old one moved on
    after that, a reader who still holds the old pointer would see it pass the new one, and go back
    in time when he follows. Ask when the checkpoints are locked, in a statement of its own: its
    snapshot is then from after the wait for a switch, which holds them to its end.
    """
    state = connection.scalar(
        text("SELECT state FROM generations WHERE view = :view AND generation = :generation"),
        {"view": view, "generation": generation},
    )
    if state == "retired":
        raise Retired("readers read another generation: this one stands still")


def mark(connection: Connection, view: View, generation: int, state: State) -> None:
    """Write a generation's state."""
    connection.execute(
        text(
            "UPDATE generations SET state = :state WHERE view = :view AND generation = :generation"
        ),
        {"view": view.name, "generation": generation, "state": state},
    )


def switch(engine: Engine, view: View, generation: int, *, wait_seconds: float = 10) -> None:
    """Let readers read another generation, without anyone going back in time.

    One transaction locks the active generation's checkpoints, so that it stands still, waits until
    the new one has reached them all, and moves the pointer. The new one's projector must be
    running. Raises Unavailable where it has not caught up after `wait_seconds`; nothing is changed
    then. Raises Broken for a generation made with another fold or one that is still building.
    """
    until = time.monotonic() + wait_seconds
    with transaction(engine) as connection:
        _lock_view(connection, view)
        known = _one(connection, view, generation)
        if known.fold_version != view.version or known.state == "building":
            raise Broken(f"generation {generation} of {view.name} is not ready for this release")
        now = active(connection, view.name)
        if now == generation:
            return
        if now is not None:
            _stand_still(connection, view, now)
            while not _reached(connection, view, now, generation):
                if time.monotonic() > until:
                    raise Unavailable(f"generation {generation} has not caught up yet")
                time.sleep(SWITCH_POLL_SECONDS)
        _point(connection, view, generation)


def drop(engine: Engine, view: View, generation: int) -> None:
    """Drop a generation's tables and checkpoints; refused for the active one."""
    with transaction(engine) as connection:
        _lock_view(connection, view)
        if active(connection, view.name) == generation:
            raise Broken(f"generation {generation} of {view.name} is active: switch first")
        # Checkpoints first: whoever still writes this generation finds that it lost its partitions.
        connection.execute(
            text("DELETE FROM generations WHERE view = :view AND generation = :generation"),
            {"view": view.name, "generation": generation},
        )
        drop_tables(connection, view, generation)


def _one(connection: Connection, view: View, generation: int) -> Generation:
    for known in listed(connection, view.name):
        if known.generation == generation:
            return known
    raise NotFound(f"{view.name} has no generation {generation}")


def _lock_view(connection: Connection, view: View) -> None:
    """One change of a view's generations at a time; readers and writers of rows do not wait."""
    connection.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended('generations ' || :view, 0))"),
        {"view": view.name},
    )


def _stand_still(connection: Connection, view: View, generation: int) -> None:
    connection.execute(
        text(
            "SELECT partition FROM checkpoints WHERE view = :view AND generation = :generation "
            "ORDER BY partition FOR UPDATE"
        ),
        {"view": view.name, "generation": generation},
    )


def _reached(connection: Connection, view: View, old: int, new: int) -> bool:
    before = checkpoints.read(connection, view.name, old)
    after = checkpoints.read(connection, view.name, new)
    return all(
        partition in after
        and after[partition].epoch == stands.epoch
        and after[partition].sequence >= stands.sequence
        for partition, stands in before.items()
    )


def _point(connection: Connection, view: View, generation: int) -> None:
    where = {"view": view.name, "generation": generation}
    connection.execute(
        text("UPDATE generations SET state = 'retired' WHERE view = :view AND state = 'active'"),
        where,
    )
    mark(connection, view, generation, "active")
    connection.execute(
        text(
            "INSERT INTO pointers (view, generation) VALUES (:view, :generation) "
            "ON CONFLICT (view) DO UPDATE SET generation = excluded.generation, moved_at = now()"
        ),
        where,
    )
