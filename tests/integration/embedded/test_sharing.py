"""The embedded PostgreSQL starts, is shared by processes, and stops when the last one leaves."""

import os
import shutil
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from backbone.embedded import Server, running
from tests.integration.embedded.using import (
    FAST,
    ask,
    other,
    remember,
    runs,
)


def test_a_server_starts_with_two_databases_and_stops(folder: Path) -> None:
    with running(folder, options=FAST) as server:
        for name in ("store", "views"):
            engine = create_engine(server.url(name))
            with engine.connect() as connection:
                assert connection.scalar(text("SELECT current_database()")) == name
            engine.dispose()
    assert not runs(server.pid)
    assert not server.socket_dir.exists()


def test_what_was_written_is_there_at_the_next_start(folder: Path) -> None:
    with running(folder, options=FAST) as server:
        remember(server)
    with running(folder, options=FAST) as server:
        assert ask(server, "SELECT n FROM kept") == 42


def test_a_second_process_attaches_and_the_last_one_stops_it(folder: Path) -> None:
    with other(folder) as first, other(folder) as second:
        pid = first.server_pid()
        assert second.server_pid() == pid
        first.leave()
        assert runs(pid)
        second.leave()
        assert not runs(pid)


def test_two_uses_in_one_process_share_a_server(folder: Path) -> None:
    with running(folder, options=FAST) as one:
        with running(folder, options=FAST) as two:
            assert one == two
        assert runs(one.pid)
    assert not runs(one.pid)


def test_four_processes_racing_start_one_server(folder: Path) -> None:
    with ExitStack() as stack:
        racers = [stack.enter_context(other(folder)) for _ in range(4)]
        pids = {racer.server_pid() for racer in racers}
        assert len(pids) == 1
        for racer in racers:
            racer.leave()
    assert not runs(pids.pop())


def test_an_exception_also_stops_it(folder: Path) -> None:
    def fail(server: Server) -> None:
        raise KeyboardInterrupt(server.pid)

    with pytest.raises(KeyboardInterrupt) as caught, running(folder, options=FAST) as server:
        fail(server)
    assert not runs(caught.value.args[0])


def test_ctrl_c_in_the_terminal_does_not_reach_the_server(folder: Path) -> None:
    with running(folder, options=FAST) as server:
        assert os.getsid(server.pid) != os.getsid(0)
        assert os.getpgid(server.pid) != os.getpgid(0)


def test_a_path_longer_than_a_sockets_may_be(folder: Path) -> None:
    deep = folder / ("d" * 100) / ("e" * 100)
    with running(deep, options=FAST) as server:
        assert ask(server, "SELECT 1") == 1


def test_a_copied_folder_does_not_take_the_originals_socket(folder: Path) -> None:
    with running(folder, options=FAST) as original:
        remember(original)
        copy = folder.with_name("copy")
        copy.mkdir()
        shutil.copy(folder / "postgres.socket", copy)
        with running(copy, options=FAST) as another:
            assert another.socket_dir != original.socket_dir
            assert another.pid != original.pid
        assert ask(original, "SELECT n FROM kept") == 42


def test_databases_of_a_test_are_fresh_and_its_own(new_database: Callable[[str], str]) -> None:
    began = time.monotonic()
    one, two = new_database("one"), new_database("two")
    assert one != two
    assert time.monotonic() - began < 5
    for url in (one, two):
        engine = create_engine(url)
        with engine.begin() as connection:
            connection.execute(text("CREATE TABLE mine (n integer)"))
        engine.dispose()
