"""Numbered SQL files, each run once, in order, under a lock, each in a transaction of its own."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from typing import Any

from psycopg import Connection

from consumers.databases import asking, connect
from schemas.errors import Broken

_LOCK = 4242000


@contextmanager
def migrated(url: str, package: str) -> Iterator[Connection[Any]]:
    """A connection in autocommit mode to a database that has `package`'s tables of this release.

    Raises Unavailable where it cannot be reached, and Broken as `migrate` does.
    """
    with asking(f"database of the {package}"), connect(url, "migrations") as connection:
        migrate(connection, package)
        yield connection


def migrate(connection: Connection[Any], package: str) -> list[str]:
    """Bring the connected database up to `<package>/migrations/*.sql`; the names that were run.

    `connection` is in autocommit mode. Two processes may start at once: the second waits. Raises
    Broken where the database has a migration that this release does not know; then none is run.
    """
    folder = files(package) / "migrations"
    names = sorted(file.name for file in folder.iterdir() if file.name.endswith(".sql"))
    run = []
    connection.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
    try:
        connection.execute(
            "CREATE TABLE IF NOT EXISTS migrations "
            "(name text PRIMARY KEY, run_at timestamptz NOT NULL DEFAULT now())"
        )
        done = {row[0] for row in connection.execute("SELECT name FROM migrations")}
        if unknown := done - set(names):
            raise Broken(
                f"the database of the {package} has {max(unknown)}, which this release does not "
                "know: it is of a later release, or another database"
            )
        for name in names:
            if name not in done:
                with connection.transaction():
                    connection.execute((folder / name).read_bytes())
                    connection.execute("INSERT INTO migrations (name) VALUES (%s)", [name])
                run.append(name)
    finally:
        connection.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])
    return run
