"""The peer: the eventsourcing library on a database of the same server."""

from sqlalchemy import make_url


def environment(url: str, *, text_ids: bool = False) -> dict[str, str]:
    """The library's settings for its own PostgreSQL recorders."""
    at = make_url(url)
    return {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "POSTGRES_DBNAME": str(at.database),
        "POSTGRES_HOST": str(at.query["host"]),
        "POSTGRES_PORT": str(at.query["port"]),
        "POSTGRES_USER": str(at.username),
        "POSTGRES_PASSWORD": "",
        "POSTGRES_POOL_SIZE": "10",
        "ORIGINATOR_ID_TYPE": "text" if text_ids else "uuid",
    }
