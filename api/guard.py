"""The outermost wall of the app: who is asked by another name is refused, and no fault gets out.

A fault that the server would see is written to its log with its text and its traceback, and a
database's text holds the row: somebody's phone number.
"""

import logging
from functools import lru_cache
from ipaddress import ip_address

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import problem

log = logging.getLogger(__name__)


class Guard:
    """ASGI middleware; answers what nothing inside has answered."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        host = next((value for name, value in scope["headers"] if name == b"host"), b"")
        if not _names_this_machine(host):
            refusal = problem("forbidden", "this address is not one of this machine's own")
            await refusal(scope, receive, send)
            return
        begun = False

        async def noted(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, noted)
        except ClientDisconnect:
            # Nobody is there to be answered.
            return
        except Exception as error:
            log.error("a request failed: %s", type(error).__name__)
            if not begun:
                text = "this failed on our side; the log names the kind of fault"
                await problem("broken", text)(scope, receive, send)


@lru_cache(maxsize=256)
def _names_this_machine(host: bytes) -> bool:
    """Whether a Host header names this machine by a loopback address.

    Until access keys exist, who reaches the loopback address may everything. A foreign web page
    that lets its own name point here would reach it through the operator's browser, and be told of
    by its name alone.
    """
    text = host.decode("latin-1")
    name = text[1 : text.find("]")] if text.startswith("[") else text.rpartition(":")[0] or text
    if name.lower() == "localhost":
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False
