"""What every benchmark shares: a throw-away server, fresh databases, several runs, one table."""

import argparse
import os
import platform
import shutil
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import NoReturn

import psutil
import psycopg

from backbone.databases import Databases
from backbone.embedded import Server, running

PARTITIONS = 12

_numbers = count(1)


@dataclass(frozen=True, slots=True)
class Options:
    """How much is measured, and how often."""

    events: int
    runs: int


def options(question: str, events: int, runs: int = 3) -> Options:
    """The command line's `--events` and `--runs`."""
    parser = argparse.ArgumentParser(description=question)
    parser.add_argument("--events", type=int, default=events, help=f"default {events}")
    parser.add_argument("--runs", type=int, default=runs, help=f"default {runs}; medians are shown")
    given = parser.parse_args()
    if given.events < 1_000 or given.runs < 1:
        parser.error("at least 1,000 events and one run")
    return Options(given.events, given.runs)


class WrongResult(Exception):
    """What was measured did not do its work, so that its speed says nothing."""


def check(measured: object, wanted: object, what: str) -> None:
    """Raises WrongResult where the result is not what the work should have left behind."""
    if measured != wanted:
        raise WrongResult(f"{what}: {measured}, and it should be {wanted}")


def say(text: str) -> None:
    """Progress, on standard error."""
    print(f"  {time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


@dataclass(frozen=True, slots=True)
class World:
    """A throw-away PostgreSQL that flushes like a real one, and a folder for rings."""

    server: Server
    folder: Path

    @contextmanager
    def databases(self) -> Iterator[tuple[Databases, Path]]:
        """Two fresh databases and a place for their ring; dropped afterwards."""
        number = next(_numbers)
        names = [f"store_{number}", f"views_{number}"]
        with psycopg.connect(self.server.conninfo("postgres"), autocommit=True) as connection:
            for name in names:
                connection.execute(f"CREATE DATABASE {name} TEMPLATE template0".encode())
            # What the last run left to be written must not be written in this one.
            connection.execute("CHECKPOINT")
        yield Databases(*map(self.server.url, names)), self.folder / f"ring-{number}"
        with psycopg.connect(self.server.conninfo("postgres"), autocommit=True) as connection:
            for name in names:
                connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@contextmanager
def world() -> Iterator[World]:
    """The server of one benchmark; it is stopped and its folder removed, also on SIGTERM."""
    signal.signal(signal.SIGTERM, _ended)
    folder = Path(tempfile.mkdtemp(prefix="backbone-bench-"))
    try:
        with running(folder / "data") as server:
            yield World(server, folder)
    finally:
        shutil.rmtree(folder)


def _ended(_number: int, _frame: object) -> NoReturn:
    raise SystemExit(1)


def seconds_of(work: Callable[[], object]) -> float:
    """How long a piece of work takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


@dataclass(slots=True)
class Rates:
    """What was measured, by name, in the order of first measurement."""

    unit: str
    title: str = ""
    of: dict[str, list[float]] = field(default_factory=dict)

    def add(self, name: str, done: int, seconds: float) -> None:
        """So much was done in so many seconds."""
        self.of.setdefault(name, []).append(done / seconds)
        say(f"{self.title} {name}: {done / seconds:,.0f} {self.unit}")

    def table(self, *peers: str) -> str:
        """Medians with their range, and each median as a ratio to each peer's."""
        width = max(map(len, (self.title, *self.of)))
        medians = {name: statistics.median(rates) for name, rates in self.of.items()}
        head = f"{self.title:{width}}  {self.unit:>12}  {'lowest':>10}  {'highest':>10}"
        lines = [head + "".join(f"  {'of ' + peer:>{_wide(peer)}}" for peer in peers)]
        for name, rates in self.of.items():
            line = (
                f"{name:{width}}  {medians[name]:12,.0f}  {min(rates):10,.0f}  {max(rates):10,.0f}"
            )
            ratios = (f"  {medians[name] / medians[peer]:>{_wide(peer)}.2f}" for peer in peers)
            lines.append(line + "".join(ratios))
        return "\n".join(lines)


def _wide(peer: str) -> int:
    return max(len(peer) + 3, 8)


def report(title: str, chosen: Options, *tables: str) -> None:
    """Print what came out, and on what kind of machine."""
    print(f"\n{title}\n{chosen.events:,} events, medians of {chosen.runs} runs\n{machine()}\n")
    print("\n\n".join(tables))


def machine() -> str:
    """Processor, memory, versions, and how busy the machine is at this moment."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if sys.platform == "linux" else []
    model = next((line.partition(": ")[2] for line in lines if line.startswith("model name")), "")
    memory = psutil.virtual_memory().total / 2**30
    load = ", ".join(f"{each:.1f}" for each in os.getloadavg())
    return (
        f"{os.cpu_count()} cores {model or platform.machine()}, {memory:.0f} GiB, "
        f"Python {platform.python_version()}, embedded PostgreSQL with fsync; load {load}"
    )
