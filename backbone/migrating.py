"""Numbered SQL files, each run once, in order, under a lock, each in a transaction of its own."""

from importlib.resources import files
from typing import Any

from psycopg import Connection

_LOCK = 4242000


def migrate(connection: Connection[Any], package: str) -> list[str]:
    """Bring the connected database up to `<package>/migrations/*.sql`; the names that were run.

    `connection` is in autocommit mode. Two processes may start at once: the second waits.
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
        for name in names:
            if name not in done:
                with connection.transaction():
                    connection.execute((folder / name).read_bytes())
                    connection.execute("INSERT INTO migrations (name) VALUES (%s)", [name])
                run.append(name)
    finally:
        connection.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])
    return run
