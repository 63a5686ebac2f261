"""Given somebody whom events name, when a reader asks for him, then he sees what he may see."""

from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from starlette.types import ASGIApp, Receive, Scope, Send

from api.opening import Glass
from domain.access import LOCAL, Principal
from schemas.envelope import Event
from store.sealing import Tampered
from tests.serving import ADDRESS, PROBLEM, Served, complaint, purchase, unique

STRANGER = Principal("stranger")


def recorded(served: Served, sent: dict[str, Any]) -> Event:
    """Report an event; it as it was recorded, values sealed."""
    event = served.program.store.history.event(UUID(served.post(sent).json()["event_ids"][0]))
    assert event is not None
    return event


def test_a_customer_is_addressed_by_identifier_or_subject_alike(served: Served) -> None:
    who = unique("crm:")
    subject = served.subject(purchase(who))
    token = served.token(purchase(who))

    by_identifier = served.get(f"/v1/customers/{who}", at_least=token)
    by_subject = served.get(f"/v1/customers/{subject}", at_least=token)
    looked_up = served.http.post("/v1/customers/lookup", json={"identifier": who}).json()

    assert by_identifier["data"] == by_subject["data"] == looked_up["data"]
    assert by_identifier["data"]["subjects"] == [subject]


def test_an_address_with_odd_characters_leads_to_the_customer(served: Served) -> None:
    token = served.token(purchase("crm:Zürich 7/a?b#c"))

    looked_up = served.http.post(
        "/v1/customers/lookup",
        json={"identifier": "crm:Zürich 7/a?b#c"},
        params={"at_least": token},
    )

    assert looked_up.json()["data"]["identifiers"][0]["value"] == "Zürich 7/a?b#c"


def test_a_contact_point_that_only_an_event_names_is_not_a_customer(served: Served) -> None:
    who, email = unique("crm:"), f"{unique('a')}@example.com"
    registration = {
        "party": "person",
        "relationship": "customer",
        "points": [{"kind": "email", "value": email}],
    }
    token = served.http.post(f"/v1/customers/{who}/register", json=registration).json()["token"]
    served.get(f"/v1/customers/{who}", at_least=token)

    answer = served.http.post("/v1/customers/lookup", json={"identifier": f"email:{email}"})

    assert answer.status_code == 404


def test_no_cache_keeps_an_answer(served: Served) -> None:
    who = unique("crm:")
    served.get(f"/v1/customers/{who}", at_least=served.token(purchase(who)))

    for path in (f"/v1/customers/{who}", f"/v1/customers/{who}/timeline", "/v1/sales/revenue"):
        assert served.http.get(path).headers["Cache-Control"] == "no-store"


def test_who_may_not_open_values_sees_null_and_which(served: Served) -> None:
    glass = Glass(served.program.store.keys)
    event = recorded(served, complaint(unique("crm:"), "Nobody's business."))
    body: dict[str, Any] = {"list": [event.data], "plain": 1}

    (opened,) = glass.opened_each(LOCAL, [([event.subject], body)])
    (masked,) = glass.opened_each(STRANGER, [([event.subject], body)])

    assert opened["list"][0]["text"] == "Nobody's business."
    assert masked["list"][0]["text"] is None
    assert (masked["masked"], masked["plain"]) == (["list.0.text"], 1)
    assert "masked" not in opened


def test_a_value_among_another_customers_is_refused(served: Served) -> None:
    glass = Glass(served.program.store.keys)
    event = recorded(served, complaint(unique("crm:")))
    other = served.subject(complaint(unique("crm:")))

    with pytest.raises(Tampered):
        glass.opened_each(LOCAL, [([event.subject], event.data), ([other], event.data)])


class _As:
    """The app as a principal other than the local one would find it."""

    def __init__(self, app: ASGIApp, principal: object) -> None:
        self._app = app
        self._principal = principal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope.setdefault("state", {})["principal"] = self._principal
        await self._app(scope, receive, send)


@pytest.mark.parametrize("principal", [STRANGER, None, "local"])
def test_who_may_nothing_is_refused_everywhere_but_at_health(
    served: Served, principal: object
) -> None:
    app: FastAPI = served.program.app
    with TestClient(_As(app, principal), base_url=ADDRESS) as stranger:
        for path, methods in app.openapi()["paths"].items():
            address = path.format(ref="crm:1", event_id="6f0d0f53-1d5c-8c1a-9f0e-2b8a4f6f3c11")
            for method in methods:
                answer = stranger.request(method.upper(), address)
                if path in ("/live", "/ready", "/metrics"):
                    assert answer.status_code == 200
                    continue
                assert answer.status_code == 403, path
                assert answer.headers["Content-Type"] == PROBLEM
