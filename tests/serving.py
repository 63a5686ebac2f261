"""The whole program on fresh databases and a fresh ring, asked over HTTP."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import create_engine, make_url
from sqlalchemy.pool import NullPool

from backbone.databases import Databases
from backbone.http_server import HttpServer, bound
from backbone.program import Program, running_program
from backbone.settings import Settings
from schemas.cloudevents import STRUCTURED

PROBLEM = "application/problem+json"
ADDRESS = "http://localhost"

_numbers = count(1)


_CLOUDEVENT = {"specversion": "1.0", "source": "shop", "time": "2026-01-31T12:00:00+01:00"}


def unique(word: str) -> str:
    """A word that no other test uses."""
    return f"{word}{next(_numbers)}"


def money(amount: str, currency: str = "EUR") -> dict[str, str]:
    """An amount on the wire."""
    return {"amount": amount, "currency": currency}


def purchase(
    who: str | None, net: str = "12.34", *, data: dict[str, Any] | None = None, **attributes: Any
) -> dict[str, Any]:
    """A purchase of one line, on the web; `who` None for a sender that nobody knows."""
    line = {"no": 1, "product": "A-100", "category": "lamps", "quantity": "1", "unit": "piece"}
    bought = {"channel": "web", "net": money(net), "lines": [line | {"net": money(net)}]}
    return _event("purchase.made", who, bought | (data or {}), attributes)


def complaint(
    who: str | None,
    text: str = "It is broken.",
    *,
    data: dict[str, Any] | None = None,
    **attributes: Any,
) -> dict[str, Any]:
    """A complaint by telephone."""
    said = {"channel": "voice", "via": "direct", "issue": "broken", "text": text}
    return _event("complaint.made", who, said | (data or {}), attributes)


def _event(
    event_type: str, who: str | None, data: dict[str, Any], attributes: dict[str, Any]
) -> dict[str, Any]:
    own = {"id": unique("event-"), "type": event_type, "data": data}
    return _CLOUDEVENT | own | ({"subject": who} if who is not None else {}) | attributes


@dataclass(frozen=True, slots=True)
class Served:
    """A running program and a client of it; `at` is where its databases are."""

    program: Program
    http: TestClient
    at: Databases

    def post(self, event: dict[str, Any], **query: str) -> Response:
        """Report one event, structured."""
        return self.http.post(
            "/v1/events", json=event, headers={"Content-Type": STRUCTURED}, params=query
        )

    def batch(self, events: list[dict[str, Any]], **query: str) -> dict[str, Any]:
        """Report many events; the batch's answer."""
        answer = self.http.post("/v1/events", json=events, params=query)
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body

    def token(self, event: dict[str, Any]) -> str:
        """Report one event; the token that waits for it."""
        answer = self.post(event)
        assert answer.status_code in (200, 201), answer.text
        token: str = answer.json()["token"]
        return token

    def subject(self, event: dict[str, Any]) -> str:
        """Report one event; the subject that it went to."""
        stream: str = self.post(event).json()["stream"]
        return stream.partition("/")[0]

    def get(self, path: str, **query: Any) -> dict[str, Any]:
        """A read that is answered with 200."""
        answer = self.http.get(path, params=query)
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body

    @contextmanager
    def paused(self, view: str) -> Iterator[None]:
        """The view stands still meanwhile."""
        self.program.projecting.pause(view)
        try:
            yield
        finally:
            self.program.projecting.resume(view)


@contextmanager
def serving(postgres: str, folder: Path, **settings: str) -> Iterator[Served]:
    """A program on two databases of its own, without a socket; `settings` as in the environment,
    without their prefix."""
    chosen = Settings.from_environment(
        {"BACKBONE_DATA_DIR": str(folder / "data")}
        | {f"BACKBONE_{name.upper()}": value for name, value in settings.items()}
    )
    with ExitStack() as stack:
        at = Databases(
            stack.enter_context(_database(postgres, "store")),
            stack.enter_context(_database(postgres, "views")),
        )
        program = stack.enter_context(running_program(chosen, at))
        # Server faults are to be answered, not raised, as on a socket.
        client = TestClient(program.app, base_url=ADDRESS, raise_server_exceptions=False)
        yield Served(program, stack.enter_context(client), at)


@contextmanager
def listening(served: Served) -> Iterator[str]:
    """The program on a real socket as well; its address."""
    server = HttpServer(served.program.app, bound("127.0.0.1", 0))
    server.start()
    try:
        yield server.address
    finally:
        server.stop()


@contextmanager
def _database(postgres: str, label: str) -> Iterator[str]:
    name = f"{label}_api_{os.getpid()}_{next(_numbers)}"
    engine = create_engine(postgres, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with engine.connect() as connection:
        connection.exec_driver_sql(f'CREATE DATABASE "{name}" TEMPLATE template0')
    yield make_url(postgres).set(database=name).render_as_string(hide_password=False)
    with engine.connect() as connection:
        connection.exec_driver_sql(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
