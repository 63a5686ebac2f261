"""The program with its HTTP door in a process of its own, as a client meets it."""

import multiprocessing
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

from fastapi import FastAPI

from backbone.databases import Databases
from backbone.http_server import HttpServer, bound
from backbone.program import running_program
from backbone.settings import Settings
from benchmarks.measuring import PARTITIONS
from benchmarks.sent import unsealed
from projections.registry import VIEWS

START_SECONDS_MAX = 60
STOP_SECONDS_MAX = 60

Opened = Callable[[Databases, Path], AbstractContextManager[FastAPI]]
"""Makes an app on databases and a ring; a function of a module, so that a process can find it."""

_processes = multiprocessing.get_context("spawn")


@contextmanager
def served(opened: Opened, at: Databases, ring: Path) -> Iterator[str]:
    """The app listens in a process of its own; its `host:port`."""
    ours, theirs = _processes.Pipe()
    process = _processes.Process(target=_serve, args=(opened, at, ring, theirs), daemon=True)
    process.start()
    theirs.close()
    try:
        if not ours.poll(START_SECONDS_MAX):
            raise TimeoutError("the server did not start")
        yield ours.recv()
    finally:
        ours.close()
        process.join(STOP_SECONDS_MAX)
        if process.is_alive():
            process.kill()


def _serve(opened: Opened, at: Databases, ring: Path, parent: Connection) -> None:
    with opened(at, ring) as app:
        server = HttpServer(app, bound("127.0.0.1", 0))
        server.start()
        parent.send(server.address.removeprefix("http://"))
        try:
            parent.recv()
        except EOFError:
            server.stop()


@contextmanager
def whole_program(at: Databases, ring: Path) -> Iterator[FastAPI]:
    """As `backbone up` runs it: views are kept up."""
    with running_program(settings(ring), at) as program:
        yield program.app


@contextmanager
def writing_only(at: Databases, ring: Path) -> Iterator[FastAPI]:
    """The views stand still, so that nothing is measured but the way into the log."""
    with running_program(settings(ring), at) as program:
        for view in VIEWS:
            program.projecting.pause(view.name)
        yield program.app


@contextmanager
def writing_unsealed(at: Databases, ring: Path) -> Iterator[FastAPI]:
    """The same with sealing taken out."""
    with running_program(settings(ring), at, seal=unsealed) as program:
        for view in VIEWS:
            program.projecting.pause(view.name)
        yield program.app


def settings(ring: Path) -> Settings:
    """Everything by default but the place of the ring."""
    return Settings.from_environment(
        {
            "BACKBONE_DATA_DIR": str(ring.with_name("data")),
            "BACKBONE_RING_DIR": str(ring),
            "BACKBONE_PARTITIONS": str(PARTITIONS),
        }
    )
