"""No fault gets past the guard: neither into an answer nor, by the server, into a log."""

import logging

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from api.guard import Guard

SECRET = "Zebulon Quartermain"


def client(fault: Exception, *, begun: bool = False) -> TestClient:
    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        if begun:
            await send({"type": "http.response.start", "status": 200, "headers": []})
        raise fault

    # The test client raises whatever a server would be told.
    return TestClient(Guard(app), base_url="http://localhost", raise_server_exceptions=True)


def test_an_unforeseen_fault_is_a_problem_without_its_text(
    caplog: pytest.LogCaptureFixture,
) -> None:
    answer = client(ValueError(SECRET)).get("/")

    assert answer.status_code == 500
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["type"] == "urn:backbone:problem:broken"
    assert SECRET not in answer.text + caplog.text
    assert "ValueError" in caplog.text


def test_a_caller_who_is_gone_is_no_fault(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    with pytest.raises(AssertionError):  # the test client's own: nothing was answered
        client(ClientDisconnect()).get("/")

    assert not caplog.records


def test_it_wraps_the_whole_app() -> None:
    app = FastAPI()
    app.add_middleware(Guard)

    @app.get("/")
    async def fault() -> None:
        raise RuntimeError(SECRET)

    with TestClient(app, base_url="http://localhost", raise_server_exceptions=True) as asking:
        assert asking.get("/").status_code == 500
