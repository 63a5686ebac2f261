"""Brings the `views` database to the tables of this release: numbered SQL files, each once."""

from pathlib import Path

from sqlalchemy import Engine, text

from projections.connecting import transaction
from schemas.errors import Broken

_FOLDER = Path(__file__).parent / "migrations"
_LOCK = 0x76696577  # "view": keeps two processes that start together from both migrating


def migrate(engine: Engine) -> None:
    """Apply the files that are missing, all in one transaction, so that a crash leaves none half.

    Raises Broken where the database has a migration that this release does not know.
    """
    files = {int(file.name[:4]): file for file in sorted(_FOLDER.glob("[0-9]*.sql"))}
    with transaction(engine) as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        connection.execute(
            text(
                "CREATE TABLE IF NOT EXISTS views_migrations ("
                "number integer PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())"
            )
        )
        applied = set(connection.scalars(text("SELECT number FROM views_migrations")))
        if unknown := applied - files.keys():
            raise Broken(f"the views database is of a later release (migration {max(unknown)})")
        for number in sorted(files.keys() - applied):
            connection.exec_driver_sql(files[number].read_text())
            connection.execute(
                text("INSERT INTO views_migrations (number) VALUES (:number)"), {"number": number}
            )
