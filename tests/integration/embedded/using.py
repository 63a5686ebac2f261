"""What the tests of the embedded PostgreSQL share: other processes, and small questions."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psutil
import psycopg
import pytest

from backbone.embedded import Server, program, running

FAST = {"fsync": "off"}
POSTGRES = program.find() / "bin" / "postgres"
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become others")
PROGRAM = """
import os, sys
from pathlib import Path
from backbone.embedded import lifetime, running
if sys.argv[2:]:
    # All is imported by now, so the interpreter may lie where this user cannot read it.
    os.setgroups([])
    os.setgid(int(sys.argv[2]))
    os.setuid(int(sys.argv[2]))
with running(Path(sys.argv[1]), options={"fsync": "off"}) as server:
    print(server.pid, flush=True)
    sys.stdin.read()
"""


class Other:
    """Another process that uses the server of the same folder."""

    def __init__(self, folder: Path, *, uid: int | None = None) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(folder), *([str(uid)] if uid else [])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd="/",
        )

    def server_pid(self) -> int:
        assert self.process.stdout is not None
        return int(self.process.stdout.readline())

    def leave(self) -> None:
        self.process.communicate(timeout=60)

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate(timeout=60)


@contextmanager
def other(folder: Path, *, uid: int | None = None) -> Iterator[Other]:
    user = Other(folder, uid=uid)
    try:
        yield user
    finally:
        if user.process.poll() is None:
            user.kill()


def runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def ask(server: Server, query: str) -> object:
    with psycopg.connect(server.conninfo("store")) as connection:
        row = connection.execute(query.encode()).fetchone()
        return row[0] if row else None


def enter(
    folder: Path, *, options: Mapping[str, str] | None = None, seconds_max: float = 60
) -> None:
    with running(folder, options=options or FAST, start_seconds_max=seconds_max):
        pass


def remember(server: Server) -> None:
    with psycopg.connect(server.conninfo("store")) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS n")
