"""Connections of the moving parts' own, and faults of the databases as errors of the house.

Only a fault's class and SQLSTATE are ever told: PostgreSQL's own text prints rows.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import Connection

from schemas.errors import Broken, Unavailable

CONNECT_SECONDS_MAX = 5
"""How long one attempt to connect may take; libpq counts whole seconds."""


def connect(url: str, name: str) -> Connection[Any]:
    """A connection of its own that commits every statement, as `name` in pg_stat_activity.

    `url` is a PostgreSQL's, as libpq or SQLAlchemy writes it. A host that vanished is noticed after
    about nine seconds of silence, where the connection goes by TCP.
    """
    return psycopg.connect(
        url.replace("postgresql+psycopg://", "postgresql://", 1),
        autocommit=True,
        connect_timeout=CONNECT_SECONDS_MAX,
        application_name=f"backbone {name}"[:63],
        keepalives_idle=5,
        keepalives_interval=2,
        keepalives_count=2,
    )


@contextmanager
def asking(database: str) -> Iterator[None]:
    """Statements against the database called `database` in messages: raises Unavailable where the
    same may succeed later, Broken with the SQLSTATE for what would fail again."""
    try:
        yield
    except (psycopg.OperationalError, psycopg.InterfaceError) as error:
        raise Unavailable(f"the {database} did not answer", sqlstate=error.sqlstate) from None
    except psycopg.Error as error:
        raise Broken(f"the {database} refused a statement", sqlstate=error.sqlstate) from None
