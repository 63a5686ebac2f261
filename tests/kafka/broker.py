"""A real broker in one JVM: formatted by hand, started from a class archive, killed at will."""

import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from backbone.embedded.locks import FileLock, alone
from tests.kafka.formatting import format_folder
from tests.kafka.jars import Jars
from tests.kafka.metadata import wait_until_it_answers

START_SECONDS_MAX = 60.0
STOP_SECONDS_MAX = 30.0
_PREFIX = "backbone-test-kafka-"

SETTINGS = {
    # Else a restart on the same data takes 12 s: the controller waits for the dead one's session.
    "broker.session.timeout.ms": "1000",
    "broker.heartbeat.interval.ms": "100",
    # Else each new group waits 3 s, and no session may be shorter than 6 s.
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "1000",
    "offsets.topic.num.partitions": "1",
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.num.partitions": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    # Else transactions that ran out of time end up to 10 s late.
    "transaction.abort.timed.out.transaction.cleanup.interval.ms": "500",
    "auto.create.topics.enable": "false",
    "log.cleaner.backoff.ms": "500",
    "log.initial.task.delay.ms": "500",
}
"""What a test wants otherwise than a production does. No `log.flush.*`: what is acknowledged
survives the process all the same, in the page cache."""

_JVM = (
    *("-Xms64m", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData"),
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
)


class Broker:
    """One broker and its data; `start` returns when it answers."""

    def __init__(self, jars: Jars, folder: Path, jvm: tuple[str, ...] | None = None) -> None:
        self.folder = folder
        self._jars = jars
        self._jvm = (f"-XX:SharedArchiveFile={jars.archive}",) if jvm is None else jvm
        port, controller = _free_port(), _free_port()
        self.address = f"127.0.0.1:{port}"
        format_folder(folder / "data", 1, int(time.time() * 1000))
        self._write_properties(controller)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, or start it again on the same data."""
        command: list[str | Path] = [
            self._jars.java,
            *_JVM,
            *self._jvm,
            "-cp",
            f"{self._jars.folder / 'libs'}/*",
        ]
        with (self.folder / "broker.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*command, "kafka.Kafka", self.folder / "server.properties"],
                stdout=log,
                stderr=log,
                cwd=self.folder,
                start_new_session=True,
            )
        (self.folder / "broker.pid").write_text(str(self._process.pid), encoding="ascii")
        if not wait_until_it_answers(self.address, START_SECONDS_MAX, lambda: self.alive):
            said = (self.folder / "broker.log").read_text(errors="replace")[-2000:]
            raise AssertionError(f"the broker does not answer:\n{said}")

    @property
    def alive(self) -> bool:
        """Whether its process runs, or stands still."""
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        """SIGKILL."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def pause(self) -> None:
        """SIGSTOP: it answers nobody, and its connections stay."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT."""
        self._signal(signal.SIGCONT)

    def stop(self) -> None:
        """SIGTERM, and SIGKILL where that does not end it."""
        if self._process is not None and self.alive:
            self._process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(STOP_SECONDS_MAX)
        self.kill()

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None, "the broker was never started"
        self._process.send_signal(number)

    def _write_properties(self, controller: int) -> None:
        listeners = f"PLAINTEXT://{self.address},CONTROLLER://127.0.0.1:{controller}"
        lines = {
            "process.roles": "broker,controller",
            "node.id": "1",
            "controller.listener.names": "CONTROLLER",
            "listeners": listeners,
            "advertised.listeners": f"PLAINTEXT://{self.address}",
            "controller.quorum.voters": f"1@127.0.0.1:{controller}",
            "log.dirs": str(self.folder / "data"),
            **SETTINGS,
        }
        text = "".join(f"{name}={value}\n" for name, value in lines.items())
        (self.folder / "server.properties").write_text(text, encoding="utf-8")


@contextmanager
def running_broker(jars: Jars) -> Iterator[Broker]:
    """A broker of one's own, started, with everything removed after it."""
    _clear_left_over_brokers()
    _make_archive(jars)
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
    with FileLock(folder / "owner.lock") as owner:
        owner.take_exclusive()
        broker = Broker(jars, folder)
        try:
            broker.start()
            yield broker
        finally:
            broker.kill()
            shutil.rmtree(folder)


def _make_archive(jars: Jars) -> None:
    """The classes of a started broker, kept for later starts, which take half the time by it."""
    if jars.archive.exists():
        return
    with alone(jars.folder / "archiving.lock", seconds_max=2 * START_SECONDS_MAX):
        if jars.archive.exists():
            return
        made = jars.archive.with_suffix(".partial")
        with tempfile.TemporaryDirectory(prefix=_PREFIX) as folder:
            broker = Broker(jars, Path(folder), (f"-XX:ArchiveClassesAtExit={made}",))
            try:
                broker.start()
            finally:
                broker.stop()
        made.rename(jars.archive)


def _free_port() -> int:
    """A port below those that the kernel hands out by itself: a client that knocks at a dead
    broker's port could otherwise be given that very port, and talk to itself."""
    while True:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as tried, suppress(OSError):
            tried.bind(("127.0.0.1", port))
            return port


def _clear_left_over_brokers() -> None:
    """Kill and remove the brokers of sessions that were killed, which nobody else ever would."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        if folder.stat().st_uid != os.geteuid() or not (folder / "owner.lock").exists():
            continue
        with FileLock(folder / "owner.lock") as owner:
            if owner.take_exclusive():
                _kill_broker_of(folder)
                shutil.rmtree(folder, ignore_errors=True)


def _kill_broker_of(folder: Path) -> None:
    with suppress(OSError, ValueError, psutil.Error):
        process = psutil.Process(int((folder / "broker.pid").read_text(encoding="ascii")))
        if str(folder / "server.properties") in process.cmdline():  # pids come round again
            process.kill()
            process.wait(STOP_SECONDS_MAX)
