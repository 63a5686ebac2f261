"""The parent's side of a program that is killed: what is said, its signals, its end."""

import os
import signal
import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Any

import psutil

from tests.faults.orders import PARTITIONS, Orders
from tests.faults.program import run
from tests.feeding import until
from tests.store_processes import processes

processes.set_forkserver_preload(
    ["tests.store_processes", "tests.faults.program", "tests.faults.relay_program"]
)

ANSWER_SECONDS_MAX = 60.0
"""How long one answer may take, so that a hang is a failure and not a silence."""


class Running:
    """One program: a process of its own, wired and ready."""

    def __init__(self, orders: Any, program: Callable[..., None] = run) -> None:
        self._pipe, its_own = processes.Pipe()
        self._process = processes.Process(target=program, args=(orders, its_own), daemon=True)
        self._process.start()
        its_own.close()
        self._said: SimpleQueue[dict[str, Any] | None] = SimpleQueue()
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def send(self, said: dict[str, Any]) -> bool:
        """Say something; False where nobody can hear it any more."""
        try:
            self._pipe.send(said)
        except OSError:
            return False
        return True

    def read(self) -> dict[str, Any] | None:
        """What it says next; None when it has died and everything was read."""
        try:
            said = self._said.get(timeout=ANSWER_SECONDS_MAX)
        except Empty:
            raise AssertionError("the program does not answer") from None
        if said is None:
            self._said.put(None)  # the dead stay dead, however often they are asked
        return said

    def ready(self) -> None:
        """Wait until everything is wired."""
        assert self.read() == {"ready": True}, "the program did not start"

    def health(self) -> dict[str, dict[str, Any]]:
        """How its projectors do, of a program that was asked nothing else; empty when it died."""
        self.send({"ask": "health"})
        said = self.read() or {"health": {}}
        health: dict[str, dict[str, Any]] = said["health"]
        return health

    def owns(self, partitions: int = PARTITIONS) -> bool:
        """Whether it lives and has so many partitions of each of its views."""
        health = self.health()
        return bool(health) and all(len(h["partitions"]) == partitions for h in health.values())

    @property
    def alive(self) -> bool:
        """False when it has ended."""
        return bool(self._process.is_alive())

    def kill(self) -> None:
        """SIGKILL, whatever it does, unless it died already."""
        self._process.kill()
        self._process.join()

    def dies(self) -> None:
        """Wait until it has died of its orders."""
        self._process.join(ANSWER_SECONDS_MAX)
        assert not self.alive, "it never came by the place where it is to die"

    def stopped(self, place: str) -> None:
        """Wait until it stands still where its orders said."""
        assert self.read() == {"at": place}, f"it never came by {place}"
        status = psutil.Process(self._process.pid).status
        until(lambda: status() == psutil.STATUS_STOPPED, "the program stands still")

    def go_on(self) -> None:
        """Wake it up again."""
        assert self._process.pid is not None
        os.kill(self._process.pid, signal.SIGCONT)

    def stop(self) -> int | None:
        """Let it drain and end; its exit code."""
        self.send({})
        self._process.join(ANSWER_SECONDS_MAX)
        code: int | None = self._process.exitcode
        return code

    def end(self) -> None:
        """Kill it if it lives, and let go of everything."""
        self.kill()
        self._listener.join()
        self._pipe.close()
        self._process.close()

    def _listen(self) -> None:
        try:
            while True:
                self._said.put(self._pipe.recv())
        except (EOFError, OSError):
            self._said.put(None)  # perhaps in the middle of a word


class Programs:
    """Starts programs, and ends them all."""

    def __init__(self) -> None:
        self._started: list[Running] = []

    def __call__(self, orders: Orders) -> Running:
        """A program that is ready."""
        program = Running(orders)
        self._started.append(program)
        program.ready()
        return program

    def end(self) -> None:
        """Kill whatever lives."""
        for program in self._started:
            program.end()
