"""The HTTP server in a thread of its own, so that the main thread owns signals and the drain.

(uvicorn in the main thread raises the signal again when it has shut down, which ends the process
before anything else is drained.)
"""

import socket
import threading

import uvicorn
from fastapi import FastAPI

from schemas.errors import Broken

DRAIN_SECONDS_MAX = 10
BACKLOG = 2048


class HttpServer:
    """Serves an app on one address; `start` returns when it listens."""

    def __init__(self, app: FastAPI, listening: socket.socket) -> None:
        self._socket = listening
        self._server = uvicorn.Server(
            uvicorn.Config(
                app,
                log_level="warning",
                access_log=False,
                lifespan="off",
                timeout_graceful_shutdown=DRAIN_SECONDS_MAX,
            )
        )
        self._thread = threading.Thread(target=self._run, name="http", daemon=True)

    @property
    def address(self) -> str:
        """Where it listens: `http://host:port`."""
        host, port = self._socket.getsockname()[:2]
        return f"http://{f'[{host}]' if ':' in host else host}:{port}"

    def start(self) -> None:
        """Begin to serve: connections are taken from now on, the socket is open already."""
        self._socket.listen(BACKLOG)
        self._thread.start()

    def wait(self, stop: threading.Event) -> None:
        """Until somebody asks to stop, or the server's thread ends."""
        while self._thread.is_alive() and not stop.wait(1.0):
            pass

    def stop(self) -> None:
        """Answer what is being answered, then end."""
        self._server.should_exit = True
        if self._thread.is_alive():
            self._thread.join()
        self._socket.close()

    def _run(self) -> None:
        self._server.run(sockets=[self._socket])


def bound(host: str, port: int, *, any_port: bool = False) -> socket.socket:
    """A socket for the server; raises Broken where the port is taken, unless any will do."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol named: asyncio sets TCP_NODELAY only on a socket that says it is TCP, and
    # without it every small answer waits 40 ms for the client's delayed acknowledgement.
    made = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((host, port))
    except OSError:
        made.close()
        if any_port:
            return bound(host, 0)
        raise Broken(
            f"port {port} is taken: stop what listens there, or set BACKBONE_HTTP_PORT (0 takes "
            "any free one)"
        ) from None
    return made
