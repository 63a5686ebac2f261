"""The embedded PostgreSQL is durable, and closed to others: its socket, its log, its folders."""

import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from backbone.embedded import Server, account, lifetime, program, running
from tests.integration.embedded.using import (
    FAST,
    POSTGRES,
    ask,
    needs_root,
    other,
    runs,
)


@pytest.fixture(scope="module")
def settled() -> Iterator[Server]:
    """A server with the settings of a real one, which tests only look at."""
    above = Path(tempfile.mkdtemp(prefix="backbone-embedded-", dir="/tmp"))
    with running(above / "data") as server:
        yield server
    shutil.rmtree(above)


@pytest.mark.parametrize(
    ("parameter", "expected"),
    [
        ("fsync", "on"),
        ("data_checksums", "on"),
        ("listen_addresses", ""),
        ("max_connections", "200"),
        ("TimeZone", "UTC"),
    ],
)
def test_it_is_durable_checked_and_closed(settled: Server, parameter: str, expected: str) -> None:
    assert ask(settled, f"SHOW {parameter}") == expected


def test_texts_sort_the_same_on_every_machine(settled: Server) -> None:
    locale = "SELECT datlocprovider::text || ' ' || datlocale FROM pg_database LIMIT 1"
    assert ask(settled, locale) == "b C.UTF-8"


def test_only_the_servers_own_user_gets_to_the_socket(settled: Server) -> None:
    uid = account.for_this_process().uid
    for path in (settled.socket_dir, *settled.socket_dir.glob(".s.PGSQL.*[0-9]")):
        found = path.stat()
        assert (found.st_uid, stat.S_IMODE(found.st_mode)) == (uid, 0o700)


def test_the_log_holds_no_row_no_value_and_no_statement(folder: Path) -> None:
    with running(folder, options=FAST) as server:
        with psycopg.connect(server.conninfo("store"), autocommit=True) as connection:
            connection.execute("CREATE TABLE people (phone text UNIQUE CHECK (phone <> ''))")
            insert = "INSERT INTO people VALUES (%s)"
            connection.execute(insert, ["+3225550101"])
            for statement, error in [
                (insert, psycopg.errors.UniqueViolation),
                ("INSERT INTO people VALUES (left(%s, 0))", psycopg.errors.CheckViolation),
                ("SELECT ('p' || %s::text)::integer", psycopg.errors.InvalidTextRepresentation),
            ]:
                with pytest.raises(error) as caught:
                    connection.execute(statement, ["+3225550101"])
                assert caught.value.diag.message_primary
            crash(server, connection)
        with running(folder, options=FAST) as again:
            assert ask(again, "SELECT count(*) FROM people") == 1
    log = folder / "postgres.log"
    written = log.read_text()
    assert "was terminated by signal 9" in written
    assert "3225550101" not in written
    assert "people" not in written
    assert stat.S_IMODE(log.stat().st_mode) == 0o600


def crash(server: Server, connection: psycopg.Connection) -> None:
    """Kill the connection's process in the middle of a statement that names somebody."""
    killer = f"COPY (SELECT 1) TO PROGRAM 'kill -9 {connection.info.backend_pid}'"
    with pytest.raises(psycopg.OperationalError):
        connection.execute("SELECT '+3225550101' FROM people; " + killer + "; SELECT pg_sleep(9)")
    deadline = time.monotonic() + 30
    while "reinitializing" not in (server.data_dir / "postgres.log").read_text():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_large_log_is_put_aside_at_the_next_start(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lifetime, "_LOG_BYTES_MAX", 10)
    with running(folder, options=FAST):
        pass
    with running(folder, options=FAST):
        pass
    assert (folder / "postgres.log.1").stat().st_size > 10


@needs_root
def test_an_ordinary_user_runs_it_as_itself(folder: Path) -> None:
    nobody = 65534
    if not account.Account(nobody, nobody, is_other=True).can_run(POSTGRES):
        pytest.skip("this checkout is closed to other users")
    folder.parent.chmod(0o755)
    folder.mkdir()
    os.chown(folder, nobody, nobody)
    with other(folder, uid=nobody) as user:
        pid = user.server_pid()
        assert psutil.Process(pid).uids().real == nobody
        user.leave()
    assert not runs(pid)


@needs_root
def test_as_root_it_runs_as_a_user_of_its_own_and_opens_no_folder_for_reading(folder: Path) -> None:
    with running(folder, options=FAST) as server:
        assert psutil.Process(server.pid).username() == account.SYSTEM_USER
        assert stat.S_IMODE(folder.stat().st_mode) == 0o711
        assert stat.S_IMODE(folder.parent.stat().st_mode) == 0o701
        assert stat.S_IMODE((folder / "postgres").stat().st_mode) == 0o700


@needs_root
def test_as_root_another_users_socket_folder_is_not_trusted(folder: Path) -> None:
    with running(folder, options=FAST):
        pass
    planted = folder.parent / "planted"
    planted.mkdir(mode=0o700)
    (folder / "postgres.socket").write_text(str(planted))
    with running(folder, options=FAST) as server:
        assert server.socket_dir != planted


@needs_root
def test_as_root_a_program_out_of_reach_is_copied(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.parent.chmod(0o711)
    closed = folder.parent / "closed"
    closed.mkdir(mode=0o700)
    wheel = program.find().parent
    moved = closed / wheel.name / program.find().name
    for part in (wheel, wheel.with_name(f"{wheel.name}.libs")):
        if part.exists():
            shutil.copytree(part, closed / part.name, symlinks=True)
    monkeypatch.setattr(program, "find", lambda: moved)
    with running(folder, options=FAST) as server:
        assert ask(server, "SELECT 1") == 1
        assert str(folder) in psutil.Process(server.pid).cmdline()[0]
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700
