"""What every test may ask for: a real PostgreSQL, and databases of its own on it."""

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url
from sqlalchemy.pool import NullPool

from backbone.embedded import running
from backbone.embedded.locks import FileLock
from tests.containers import engine_answers, postgres_container
from tests.kafka.broker import Broker, running_broker
from tests.kafka.finding import found_kafka, jars

_PREFIX = "backbone-test-"
_LEFT_OVER_SECONDS = 3600
_numbers = count(1)


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """A server's URL, for SQLAlchemy: BACKBONE_TEST_POSTGRES, else one started for the session, in
    a container where a Docker engine answers."""
    given = os.environ.get("BACKBONE_TEST_POSTGRES")
    if given:
        url = make_url(given).set(drivername="postgresql+psycopg")
        yield url.render_as_string(hide_password=False)
        return
    if engine_answers():
        with postgres_container() as address:
            yield address
        return
    _clear_left_over_servers()
    # Not under pytest's own temporary folder: as root the server runs as another user, and pytest
    # closes its folder to others again at every session.
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir="/tmp"))
    try:
        with running(folder, options={"fsync": "off"}) as server:
            yield server.url("postgres")
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def new_database(postgres: str) -> Iterator[Callable[[str], str]]:
    """Makes a fresh database at every call; takes a label for its name, returns its URL.

    The databases are dropped after the test, whatever is still connected to them.
    """
    made: list[str] = []
    engine = create_engine(postgres, isolation_level="AUTOCOMMIT", poolclass=NullPool)

    def create(label: str) -> str:
        name = f"{label}_{os.getpid()}_{next(_numbers)}"
        made.append(name)
        with engine.connect() as connection:
            # 9 ms. STRATEGY file_copy takes 7 ms, but 36 where fsync is on: it makes checkpoints.
            connection.exec_driver_sql(f'CREATE DATABASE "{name}" TEMPLATE template0')
        return make_url(postgres).set(database=name).render_as_string(hide_password=False)

    yield create
    with engine.connect() as connection:
        for name in made:
            connection.exec_driver_sql(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@pytest.fixture
def database(new_database: Callable[[str], str]) -> str:
    """The URL of one fresh database."""
    return new_database("test")


@pytest.fixture(scope="session")
def kafka() -> Iterator[str]:
    """The address of a real broker, one for the session; the tests that need it are skipped where
    there is none (see tests/kafka/finding.py)."""
    with found_kafka() as address:
        yield address


@pytest.fixture
def broker() -> Iterator[Broker]:
    """A broker of the test's own, to be killed."""
    with running_broker(jars()) as own:
        yield own


@pytest.fixture
def new_topic() -> Callable[[str], str]:
    """Names a topic that no other test, and no earlier session, has used; makes none."""
    return lambda label: f"{label}-{os.getpid()}-{time.time_ns():x}-{next(_numbers)}"


def _clear_left_over_servers() -> None:
    """Stop and remove the servers of sessions that were killed, which nobody else ever would."""
    for folder in Path("/tmp").glob(f"{_PREFIX}*"):
        found = folder.stat()
        if found.st_uid != os.geteuid() or time.time() - found.st_mtime < _LEFT_OVER_SECONDS:
            continue
        with FileLock(folder / "postgres.users.lock") as users:
            unused = users.take_exclusive()
        if unused:
            with running(folder):
                pass
            shutil.rmtree(folder)
