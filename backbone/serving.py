"""The program with its HTTP door open, as `up` and the demo run it."""

from collections.abc import Iterator
from contextlib import contextmanager

from backbone.collector import quieten_the_collector
from backbone.databases import databases
from backbone.http_server import HttpServer, bound
from backbone.program import Program, running_program
from backbone.settings import Settings


@contextmanager
def serving(chosen: Settings, *, any_port: bool = False) -> Iterator[tuple[Program, HttpServer]]:
    """The program with its HTTP door open; drains on leaving. With `any_port` it takes another
    port where the one of the settings is taken."""
    # The port first: it is what fails most, and nothing has begun yet.
    listening = bound(chosen.http_host, chosen.http_port, any_port=any_port)
    with databases(chosen, make=True) as at, running_program(chosen, at) as program:
        server = HttpServer(program.app, listening)
        server.start()
        quieten_the_collector()
        try:
            yield program, server
        finally:
            server.stop()
