"""The contract says what the door does: each route what it needs, each example what is answered."""

from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts

from api import examples
from api.access import NEEDS
from tests.serving import Served, serving


@pytest.fixture(scope="module")
def told(postgres: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A program that was sent what the contract's examples send."""
    with serving(postgres, tmp_path_factory.mktemp("contract")) as served:
        yield served


def undeclared(app: FastAPI) -> list[str]:
    """The routes that do not say what they need; one that is no route of ours cannot."""

    def says(dependant: Dependant) -> bool:
        return hasattr(dependant.call, NEEDS) or any(map(says, dependant.dependencies))

    return [
        str(route.path)
        for route in iter_route_contexts(app.routes)
        if not (isinstance(route.original_route, APIRoute) and says(route.dependant))
    ]


def test_every_route_declares_what_it_needs(told: Served) -> None:
    assert len(list(iter_route_contexts(told.program.app.routes))) > 10
    assert undeclared(told.program.app) == []


def test_a_route_that_declares_nothing_is_found() -> None:
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    planted = APIRouter(prefix="/v1")

    @planted.get("/planted")
    async def planted_route() -> None:
        return

    app.include_router(planted)
    app.mount("/mounted", FastAPI())

    assert undeclared(app) == ["/v1/planted", "/mounted"]


def operations(app: FastAPI) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in app.openapi()["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def test_every_route_shows_what_to_send_and_what_comes_back(told: Served) -> None:
    for name, operation in operations(told.program.app):
        assert operation["summary"], name
        for status, response in operation["responses"].items():
            for media_type, content in response["content"].items():
                assert "example" in content or media_type.startswith("application/problem"), (
                    name,
                    status,
                )
        for content in operation.get("requestBody", {}).get("content", {}).values():
            assert content["example"], name
        if "{" not in name and name.startswith("POST"):
            assert operation["requestBody"], name


MAPS = {"contacts", "sequences", "faults"}
"""Objects whose names are data."""


def shape(value: Any, name: str = "") -> Any:
    """Names and kinds of a JSON value: how two answers are the same whatever they hold."""
    if isinstance(value, dict):
        if name in MAPS:
            return "map"
        return {key: shape(inner, key) for key, inner in value.items()}
    if isinstance(value, list):
        return [shape(inner) for inner in value[:1]]
    return type(value).__name__


def test_every_answer_looks_as_its_example_says(told: Served) -> None:
    post = told.http.post
    receipt = told.post(examples.SENT)
    registered = post("/v1/customers/crm:1001/register", json=examples.REGISTRATION)
    token = {"at_least": registered.json()["token"]}
    batch = [{**examples.SENT, "id": f"order-{n}"} for n in range(3)]
    del batch[1]["data"]

    assert shape(receipt.json()) == shape(examples.RECEIPT)
    assert shape(registered.json()) == shape(examples.RECEIPT)
    event = told.get(f"/v1/events/{receipt.json()['event_ids'][0]}")
    assert shape(event) == shape(examples.EVENT)
    assert shape(post("/v1/events/lookup", json=examples.LOOKUP).json()) == shape(examples.EVENT)
    profile = told.get("/v1/customers/crm:1001", **token)
    assert shape(profile) == shape(examples.CUSTOMER)
    # One story through all examples, so that a reader can try them in order.
    for part in ("contacts", "purchases", "complaints", "first_contact_at", "last_contact"):
        assert profile["data"][part] == examples.CUSTOMER["data"][part]
    timeline = told.get("/v1/customers/crm:1001/timeline", kind="purchase.made", **token)
    assert shape(timeline) == shape(examples.TIMELINE)
    bought = told.get("/v1/customers/crm:1001/purchases", **token)
    assert shape(bought) == shape(examples.PURCHASES)
    assert shape(told.get("/v1/sales/revenue", **token)) == shape(examples.REVENUE)
    assert shape(told.batch(batch)) == shape(examples.BATCH_ANSWER)
    post("/v1/events", json=examples.BATCH_SENT)
    looked_up = post("/v1/customers/lookup", json=examples.IDENTIFIER)
    assert looked_up.status_code == 404  # a contact point that nobody has used himself
    assert shape(told.get("/live")) == {"live": "bool"}
    assert shape(told.get("/ready")) == {"ready": "bool", "faults": "map"}


class _Addresses(HTMLParser):
    """Whatever a page would fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value or "" for name, value in attrs if name in ("src", "href")]
        assert tag != "script"


def test_the_page_of_the_contract_needs_no_internet(told: Served) -> None:
    answer = told.http.get("/docs")
    addresses = _Addresses()
    addresses.feed(answer.text)

    assert addresses.found == ["/openapi.json"]
    assert answer.headers["Content-Type"].startswith("text/html")
    for name, _ in operations(told.program.app):
        assert name in answer.text
    assert told.get("/openapi.json") == told.program.app.openapi()


def test_numbers_hold_nothing_of_customers(told: Served) -> None:
    told.post(examples.SENT)
    text = told.http.get("/metrics").text

    assert 'backbone_reported_total{outcome="duplicate"}' in text
    assert "crm" not in text


def test_what_is_counted_is_what_happened(postgres: str, tmp_path: Path) -> None:
    with serving(postgres, tmp_path) as served:
        served.post(examples.SENT)
        served.post(examples.SENT)
        served.post(examples.SENT | {"subject": "crm:2"})
        served.post(examples.SENT | {"type": "nothing"})
        served.http.post("/v1/events", content=b"{", headers={"Content-Type": "application/json"})
        served.batch([examples.SENT, {}])
        lines = served.http.get("/metrics").text.splitlines()

    counted = {
        outcome: next(
            float(line.split()[1])
            for line in lines
            if line.startswith(f'backbone_reported_total{{outcome="{outcome}"}}')
        )
        for outcome in ("accepted", "duplicate", "conflict", "rejected")
    }
    assert counted == {"accepted": 1, "duplicate": 2, "conflict": 1, "rejected": 3}
