"""Given a channel that sends without pause, when PostgreSQL itself is killed, then nothing that was
acknowledged is lost, and the program goes on by itself when the server is back."""

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from backbone.embedded import Server, running
from tests.e2e.processes import data_folder
from tests.faults.checks import World, check_everything, check_receipts, world
from tests.faults.load import Client
from tests.faults.running import Programs, Running
from tests.feeding import until
from tests.stores import ask

KILLS = 2
ANSWERS = 60
USUAL = {"fsync": "off"}
"""What a dead process wrote is in the kernel's hands; fsync guards against the machine's death."""

HURRIED = {
    **USUAL,
    "synchronous_commit": "off",
    "wal_writer_flush_after": "1GB",
    "bgwriter_lru_maxpages": "0",
}
"""Sabotage: a commit is answered before it is in the log on disk."""


class PostgresToKill:
    """An embedded server that is killed and started again on the same data."""

    def __init__(self, stack: ExitStack, folder: Path, options: dict[str, str]) -> None:
        self._stack = stack
        self._folder = folder
        self._options = options
        self.server = self._started()

    def kill(self, frozen: psutil.Process | None = None) -> None:
        """SIGKILL to the postmaster alone; its children end when they notice, but for a frozen
        one."""
        children = psutil.Process(self.server.pid).children()
        os.kill(self.server.pid, signal.SIGKILL)
        if frozen is not None:
            frozen.kill()
        _, left = psutil.wait_procs(children, timeout=30)
        assert not left

    def start_again(self) -> None:
        """On the same data, with its usual recovery."""
        self.server = self._started()

    @contextmanager
    def wal_writer_frozen(self) -> Iterator[psutil.Process]:
        """Who writes the log for commits that do not wait for it stands still."""
        process = _wal_writer(psutil.Process(self.server.pid))
        process.suspend()
        try:
            yield process
        finally:
            with suppress(psutil.NoSuchProcess):
                process.resume()

    def _started(self) -> Server:
        return self._stack.enter_context(running(self._folder, options=self._options))


def _wal_writer(postmaster: psutil.Process) -> psutil.Process:
    for process in postmaster.children():
        with suppress(psutil.NoSuchProcess):  # a session that ends this moment
            if "walwriter" in "".join(process.cmdline()):
                return process
    raise AssertionError("there is no such process")


@contextmanager
def killable(folder: Path, options: dict[str, str]) -> Iterator[tuple[PostgresToKill, World]]:
    """A server of its own with a world on it."""
    with data_folder() as data, ExitStack() as stack:
        postgres = PostgresToKill(stack, data, options)
        urls = postgres.server.url("store"), postgres.server.url("views")
        yield postgres, stack.enter_context(world(*urls, folder))


def all_acknowledged(client: Client, program: Running) -> bool:
    """Whether it takes events again: all that was refused or never answered."""
    return client.repeat(program, client.unanswered) and not client.unanswered


def test_killed_under_load_it_loses_nothing_that_was_acknowledged(
    start: Programs, tmp_path: Path
) -> None:
    client = Client(seed=8)
    with killable(tmp_path, USUAL) as (postgres, there):
        program = start(there.orders)
        for _ in range(KILLS):
            client.drive(program, client.chance.randrange(1, ANSWERS), drain=False)
            postgres.kill()
            postgres.start_again()
            until(lambda: all_acknowledged(client, program), "it takes events again", 60)
        assert client.repeat(program, list(client.sent))
        check_everything(there, client)
        assert program.stop() == 0


def killed_right_after_the_answers(start: Programs, folder: Path, options: dict[str, str]) -> None:
    """Nobody but the commits themselves writes the log to disk."""
    client = Client(seed=9)
    with killable(folder, options) as (postgres, there):
        program = start(replace(there.orders, projects=()))
        ask(there.orders.store, "CHECKPOINT")
        with postgres.wal_writer_frozen() as frozen:
            assert client.drive(program, ANSWERS)
            postgres.kill(frozen)
        postgres.start_again()
        until(lambda: there.log() is not None, "the store can be read")
        check_receipts(there.log(), there.ids, client)


def test_killed_right_after_the_answers_all_of_them_hold(start: Programs, tmp_path: Path) -> None:
    killed_right_after_the_answers(start, tmp_path, USUAL)


def test_sabotage_answered_before_the_log_is_on_disk_acknowledged_events_are_lost(
    start: Programs, tmp_path: Path
) -> None:
    with pytest.raises(AssertionError, match="was acknowledged and is 0 times"):
        killed_right_after_the_answers(start, tmp_path, HURRIED)
