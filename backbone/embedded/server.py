"""What runs, as the rest of the program sees it."""

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import URL

SUPERUSER = "postgres"
PORT = 5432  # names the socket's file; no port is ever opened


class EmbeddedError(RuntimeError):
    """The embedded PostgreSQL cannot be used; the message says what to do."""


@dataclass(frozen=True)
class Server:
    """A running embedded PostgreSQL: its data folder, its socket's folder, its process id."""

    data_dir: Path
    socket_dir: Path
    pid: int

    def url(self, database: str) -> str:
        """The URL of one of its databases, for SQLAlchemy."""
        address = {"host": str(self.socket_dir), "port": str(PORT)}
        url = URL.create("postgresql+psycopg", username=SUPERUSER, database=database, query=address)
        return url.render_as_string(hide_password=False)

    def conninfo(self, database: str) -> str:
        """The same for `psycopg.connect` and every other program that uses libpq."""
        from psycopg.conninfo import make_conninfo

        return make_conninfo(host=str(self.socket_dir), port=PORT, user=SUPERUSER, dbname=database)
