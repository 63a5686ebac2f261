"""When callers hang up, on a real socket: what was sent whole is recorded, nothing else, and nobody
behind them notices."""

import logging
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx2
import orjson
import pytest

from schemas.cloudevents import STRUCTURED
from schemas.receipts import Token
from tests.feeding import until
from tests.serving import Served, complaint, listening, purchase, serving, unique

SECONDS_MAX = 30


@pytest.fixture(scope="module")
def own(postgres: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A program of its own: waits live in one event loop, here the server's."""
    with serving(postgres, tmp_path_factory.mktemp("leaving")) as served:
        yield served


@pytest.fixture(scope="module")
def address(own: Served) -> Iterator[str]:
    with listening(own) as address:
        yield address


def hang_up_after(address: str, sent: bytes) -> None:
    """Send these bytes and close."""
    place = urlsplit(address)
    assert place.hostname is not None
    with socket.create_connection((place.hostname, place.port or 80), SECONDS_MAX) as connection:
        connection.sendall(sent)


def request(body: bytes, length: int) -> bytes:
    head = (
        "POST /v1/events HTTP/1.1\r\nHost: localhost\r\n"
        f"Content-Type: {STRUCTURED}\r\nContent-Length: {length}\r\n\r\n"
    )
    return head.encode() + body


def known(address: str, channel_id: str) -> bool:
    asked = {"source": "shop", "id": channel_id}
    return httpx2.post(f"{address}/v1/events/lookup", json=asked).status_code == 200


def test_an_event_is_recorded_though_its_sender_has_gone(address: str) -> None:
    event = complaint(unique("crm:"))
    body = orjson.dumps(event)

    hang_up_after(address, request(body, len(body)))

    until(lambda: known(address, event["id"]), "the event is recorded")


def test_half_an_event_is_nothing_and_no_fault(
    address: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    half, whole = complaint(unique("crm:")), complaint(unique("crm:"))
    body = orjson.dumps(half)

    hang_up_after(address, request(body[:-10], len(body)))
    answer = httpx2.post(
        f"{address}/v1/events", content=orjson.dumps(whole), headers={"Content-Type": STRUCTURED}
    )

    assert answer.status_code == 201
    assert not known(address, half["id"])
    assert not caplog.records


def test_whoever_hangs_up_while_he_waits_leaves_nothing_behind(
    own: Served, address: str, caplog: pytest.LogCaptureFixture
) -> None:
    who = unique("crm:")
    token = Token.parse(own.token(purchase(who)))
    never = Token(token.epoch, {p: s + 1_000_000 for p, s in token.sequences.items()}).text()
    path = f"/v1/customers/{who}?at_least={never}"

    hang_up_after(
        address, f"GET {path} HTTP/1.1\r\nHost: localhost\r\nPrefer: wait=1\r\n\r\n".encode()
    )
    answer = httpx2.get(f"{address}/v1/customers/{who}?at_least={token.text()}")

    assert answer.json()["freshness"]["state"] == "fresh"
    assert not caplog.records
