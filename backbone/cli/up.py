"""`backbone up`: everything in one process."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from backbone.cli.console import err, one_sentence, settings
from backbone.databases import databases
from backbone.http_server import HttpServer, bound
from backbone.program import Program, running_program
from backbone.settings import Settings


def up() -> None:
    """Run everything in one process: store, projectors and the HTTP door.

    Without settings it starts a PostgreSQL of its own in the data folder and keeps its keys beside
    it. Ctrl-C or SIGTERM stops it cleanly; after kill -9 simply start it again.
    """
    with one_sentence(), stop_signals() as stop:
        chosen = settings()
        err.print("Starting …")
        with serving(chosen) as (_, server):
            err.print(f"Listening on [bold]{server.address}[/bold] (the contract: /docs)")
            err.print("Ctrl-C stops it.")
            wait_for(stop, server)
            err.print("Stopping: finishing what is in hand …")
    err.print("Stopped.")


@contextmanager
def serving(chosen: Settings, *, any_port: bool = False) -> Iterator[tuple[Program, HttpServer]]:
    """The program with its HTTP door open; drains on leaving. With `any_port` it takes another
    port where the one of the settings is taken."""
    # The port first: it is what fails most, and nothing has begun yet.
    listening = bound(chosen.http_host, chosen.http_port, any_port=any_port)
    with databases(chosen, make=True) as at, running_program(chosen, at) as program:
        server = HttpServer(program.app, listening)
        server.start()
        try:
            yield program, server
        finally:
            server.stop()


def wait_for(stop: threading.Event, server: HttpServer) -> None:
    """Until somebody asks to stop, or the server's thread ends."""
    while server.alive and not stop.wait(1.0):
        pass


@contextmanager
def stop_signals() -> Iterator[threading.Event]:
    """An event that SIGINT and SIGTERM set; a second one ends the process at once."""
    stop = threading.Event()

    def asked(number: int, _frame: FrameType | None) -> None:
        if stop.is_set():
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        stop.set()

    before = {number: signal.signal(number, asked) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
