"""Both databases are brought up to this release, each file once; a later release's are refused."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from backbone.migrating import migrate, migrated
from schemas.errors import Broken, Unavailable

both = pytest.mark.parametrize("package", ["store", "projections"])


@pytest.fixture
def connection(database: str) -> Iterator[psycopg.Connection[Any]]:
    url = database.replace("postgresql+psycopg://", "postgresql://")
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


@both
def test_migrations_run_once_whoever_comes_first(
    connection: psycopg.Connection[Any], package: str
) -> None:
    run = migrate(connection, package)
    assert run == sorted(row[0] for row in connection.execute("SELECT name FROM migrations"))
    assert migrate(connection, package) == []


@both
def test_a_database_of_a_later_release_is_left_alone(
    connection: psycopg.Connection[Any], package: str
) -> None:
    migrate(connection, package)
    first, *_ = connection.execute("DELETE FROM migrations RETURNING name").fetchall()
    connection.execute("INSERT INTO migrations (name) VALUES ('9999_later.sql')")
    with pytest.raises(Broken, match=r"9999_later\.sql.*later release"):
        migrate(connection, package)
    assert first not in connection.execute("SELECT name FROM migrations").fetchall()


def test_one_database_is_not_taken_for_the_other(connection: psycopg.Connection[Any]) -> None:
    migrate(connection, "store")
    with pytest.raises(Broken, match="another database"):
        migrate(connection, "projections")


def test_a_database_that_is_not_there_is_unavailable(database: str) -> None:
    with pytest.raises(Unavailable), migrated(f"{database}_not", "store"):
        pass
