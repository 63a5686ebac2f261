"""Whatever is killed, the next start of the embedded PostgreSQL puts it right."""

import os
import signal
import subprocess
from pathlib import Path

import pytest

from backbone.embedded import EmbeddedError, account, lifetime, running
from tests.integration.embedded.using import (
    FAST,
    ask,
    enter,
    other,
    remember,
    runs,
)


def test_a_killed_process_leaves_it_and_the_next_one_attaches_and_stops_it(folder: Path) -> None:
    with other(folder) as user:
        pid = user.server_pid()
        user.kill()
    assert runs(pid)
    with running(folder) as server:
        assert server.pid == pid
    assert not runs(pid)


def test_a_killed_server_recovers_at_the_next_start(folder: Path) -> None:
    with other(folder) as user:
        pid = user.server_pid()
        with running(folder, options=FAST) as server:
            remember(server)
        user.kill()
    os.kill(pid, signal.SIGKILL)
    with running(folder, options=FAST) as server:
        assert server.pid != pid
        assert ask(server, "SELECT n FROM kept") == 42


def test_whoever_outlived_a_killed_server_finds_its_successor(folder: Path) -> None:
    with running(folder, options=FAST) as before:
        remember(before)
        os.kill(before.pid, signal.SIGKILL)
        with running(folder, options=FAST) as after:
            assert after.pid != before.pid
            assert ask(before, "SELECT n FROM kept") == 42


def test_a_process_that_got_a_dead_servers_number_does_not_stop_the_start(folder: Path) -> None:
    with running(folder, options=FAST) as server:
        noted = (folder / "postgres" / "postmaster.pid").read_text()
    whose = account.for_this_process()
    bystander = subprocess.Popen(["sleep", "60"], user=whose.uid if whose.is_other else None)
    try:
        noted = noted.replace(str(server.pid), str(bystander.pid), 1)
        (folder / "postgres" / "postmaster.pid").write_text(noted)
        with running(folder, options=FAST) as again:
            assert again.pid != bystander.pid
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_an_initdb_that_was_killed_is_begun_anew(folder: Path) -> None:
    (folder / "postgres.new").mkdir(parents=True)
    (folder / "postgres.new" / "PG_VERSION").write_text("18\n")
    with running(folder, options=FAST) as server:
        assert ask(server, "SELECT 1") == 1


def test_a_server_that_does_not_answer_in_time_is_left_to_recover(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with other(folder) as user:
        pid = user.server_pid()
        user.kill()
    os.kill(pid, signal.SIGSTOP)
    monkeypatch.setattr(lifetime, "_CONNECT_SECONDS_MAX", 2)
    with pytest.raises(EmbeddedError, match="start again later"):
        enter(folder, seconds_max=0.1)
    os.kill(pid, signal.SIGCONT)
    with running(folder) as server:
        assert server.pid == pid
