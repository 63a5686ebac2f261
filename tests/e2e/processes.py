"""The real program as its user runs it: a process, its address, signals, and what is left after."""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx2
import psutil

BACKBONE = str(Path(sys.executable).with_name("backbone"))
START_SECONDS_MAX = 60
STOP_SECONDS_MAX = 60
_ADDRESS = re.compile(r"http://[\d.]+:\d+")


def environment(data_dir: Path) -> dict[str, str]:
    """The environment of a program on a data folder of its own, at any free port."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("BACKBONE_")}
    return own | {
        "BACKBONE_DATA_DIR": str(data_dir),
        "BACKBONE_HTTP_PORT": "0",
        "COLUMNS": "200",
    }


def backbone(
    data_dir: Path, *arguments: str, stdin: str = "", settings: Mapping[str, str] | None = None
) -> "subprocess.CompletedProcess[str]":
    """Run one command to its end; `settings` are laid over the usual environment."""
    return subprocess.run(
        [BACKBONE, *arguments],
        env=environment(data_dir) | dict(settings or {}),
        input=stdin,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


class Up:
    """`backbone up` as a process of its own."""

    def __init__(self, data_dir: Path, *arguments: str) -> None:
        self.data_dir = data_dir
        self._process = subprocess.Popen(
            [BACKBONE, "up", *arguments],
            env=environment(data_dir),
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
        )
        self._said: list[str] = []
        self.address = self._read_address()
        self.http = httpx2.Client(base_url=self.address, timeout=30)

    def __enter__(self) -> "Up":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.http.close()
        if self._process.poll() is None:
            self.stop(signal.SIGTERM)
        if self._process.stderr is not None:
            self._process.stderr.close()

    def stop(self, number: int) -> int:
        """Send a signal and wait for the end; the exit code."""
        self._process.send_signal(number)
        _, said = self._process.communicate(timeout=STOP_SECONDS_MAX)
        self._said.append(said)
        return self._process.returncode

    def post(self, event: dict[str, Any]) -> httpx2.Response:
        """Report one event."""
        kind = {"Content-Type": "application/cloudevents+json"}
        return self.http.post("/v1/events", json=event, headers=kind)

    @property
    def said(self) -> str:
        """All that it wrote to standard error."""
        return "".join(self._said)

    def _read_address(self) -> str:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self._said.append(line)
            if found := _ADDRESS.search(line):
                return found[0]
        raise AssertionError(f"it did not start: {self.said}")


@contextmanager
def data_folder() -> Iterator[Path]:
    """A data folder for one test. Not under pytest's: as root the server runs as another user, and
    may not enter there."""
    root = Path(tempfile.mkdtemp(prefix="backbone-e2e-", dir="/tmp"))
    try:
        yield root / "data"
    finally:
        for process in servers_of(root):
            process.kill()
        shutil.rmtree(root)


def servers_of(folder: Path) -> list[psutil.Process]:
    """The PostgreSQL servers that run on data in a folder."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        line = process.info["cmdline"] or []
        if line and "postgres" in Path(line[0]).name and any(str(folder) in part for part in line):
            found.append(process)
    return found
