"""Whatever is refused is a problem (RFC 9457) that says what to mend and repeats nothing."""

import logging
from typing import Any

import orjson
import pytest
from httpx2 import Response
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.cloudevents import BATCH, NDJSON, STRUCTURED
from tests.serving import PROBLEM, Served, complaint, purchase, unique

PLANTED = "Zebulon Quartermain"


def is_problem(answer: Response, status: int, code: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == PROBLEM
    body: dict[str, Any] = answer.json()
    assert body["type"] == f"urn:backbone:problem:{code}"
    assert (body["status"], bool(body["title"]), bool(body["detail"])) == (status, True, True)
    return body


@pytest.mark.parametrize(
    ("media_type", "content", "status", "code"),
    [
        ("text/plain", b"{}", 415, "unsupported-media"),
        ("", b"{}", 415, "unsupported-media"),
        ("application/xml", b"<event/>", 415, "unsupported-media"),
        (STRUCTURED, b"{", 400, "malformed"),
        (STRUCTURED, b"", 400, "malformed"),
        (STRUCTURED, b'"\xff"', 400, "malformed"),
        (BATCH, b"{}", 400, "malformed"),
        (STRUCTURED, b"7", 422, "invalid"),
        (STRUCTURED, b"{}", 422, "invalid"),
        (STRUCTURED, b"[" * 100_000, 400, "malformed"),
    ],
)
def test_a_body_that_cannot_be_read(
    served: Served, media_type: str, content: bytes, status: int, code: str
) -> None:
    answer = served.http.post(
        "/v1/events", content=content, headers={"Content-Type": media_type} if media_type else {}
    )

    is_problem(answer, status, code)


def test_nul_is_refused_wherever_it_stands(served: Served) -> None:
    for event in (
        complaint(unique("crm:"), "a\x00b"),
        complaint("crm:a\x00b"),
        complaint(unique("crm:"), id="a\x00b"),
        complaint(unique("crm:"), data={"product": "a\x00b"}),
    ):
        is_problem(served.post(event), 422, "invalid")
    for path in (
        "/v1/customers/crm:a%00b",
        "/v1/sales/revenue?currency=%00",
        "/v1/customers/crm:1/timeline?kind=%00",
        "/v1/customers/crm:1/timeline?channel=a%00",
    ):
        is_problem(served.http.get(path), 422, "invalid")


@pytest.mark.parametrize("ref", ["phone:+3225550101", "email:ada@example.com", "device:d1"])
def test_what_names_a_person_may_not_stand_in_an_address(served: Served, ref: str) -> None:
    for path in (f"/v1/customers/{ref}", f"/v1/customers/{ref}/timeline"):
        body = is_problem(served.http.get(path), 422, "invalid")
        assert "/v1/customers/lookup" in body["detail"]


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/v1/customers/crm:1?at_least=yesterday", "at_least"),
        ("/v1/customers/crm:1/timeline?cursor=yesterday", "cursor"),
        ("/v1/customers/crm:1/timeline?cursor=MjAyNi0wMS0wMVQwMDowMDowMCA1", "cursor"),
        ("/v1/customers/crm:1/timeline?limit=0", "limit"),
        ("/v1/customers/crm:1/timeline?limit=201", "limit"),
        ("/v1/customers/crm:1/timeline?since=2026-01-01", "since"),
        ("/v1/customers/crm:1/timeline?until=2026-01-01T00:00:00", "until"),
        ("/v1/sales/revenue?by=weather", "by"),
        ("/v1/sales/revenue?first=someday", "first"),
        ("/v1/sales/revenue?currency=euro", "currency"),
        ("/v1/events/7", "event_id"),
    ],
)
def test_a_question_that_cannot_be_read_names_its_field(
    served: Served, path: str, field: str
) -> None:
    assert is_problem(served.http.get(path), 422, "invalid")["field"] == field


def test_addresses_and_methods_that_are_not_there(served: Served) -> None:
    is_problem(served.http.get("/v1/nothing"), 404, "not-found")
    answer = served.http.delete("/v1/events")
    is_problem(answer, 405, "method-not-allowed")
    assert answer.headers["Allow"] == "POST"


def test_a_stranger_is_not_found_and_not_made(served: Served) -> None:
    who = unique("crm:")

    is_problem(served.http.get(f"/v1/customers/{who}"), 404, "not-found")
    is_problem(served.http.get(f"/v1/customers/{who}/timeline"), 404, "not-found")
    asked = served.http.post("/v1/customers/lookup", json={"identifier": "phone:+3225559999"})
    is_problem(asked, 404, "not-found")
    is_problem(served.http.get("/v1/customers/s_" + "z" * 26), 404, "not-found")


@pytest.mark.parametrize("host", ["example.com", "backbone.example:8080", "10.0.0.7", "", "[::2]"])
def test_a_page_that_lends_its_name_to_this_machine_is_refused(served: Served, host: str) -> None:
    is_problem(served.http.get("/v1/customers/crm:1", headers={"Host": host}), 403, "forbidden")


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1:8080", "[::1]:8080"])
def test_this_machine_may_be_called_by_its_own_names(served: Served, host: str) -> None:
    assert served.http.get("/live", headers={"Host": host}).status_code == 200


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a JSON value where another one could stand."""
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    nested = [
        place
        for name, child in inner
        for place in (_places(child, (*path, name)) if isinstance(child, dict | list) else [])
    ]
    keys = value.keys() if isinstance(value, dict) else range(len(value))
    return [(*path, key) for key in keys] + nested


def _planted(event: dict[str, Any], place: tuple[Any, ...], as_key: bool) -> dict[str, Any]:
    copy: dict[str, Any] = orjson.loads(orjson.dumps(event))
    inner: Any = copy
    for step in place[:-1]:
        inner = inner[step]
    if as_key and isinstance(inner, dict):
        inner[PLANTED] = 1
    else:
        inner[place[-1]] = PLANTED
    return copy


_EVENT = complaint("crm:planted") | {"data": purchase("crm:planted")["data"] | {"via": "direct"}}


@given(
    place=st.sampled_from(_places(_EVENT)), as_key=st.booleans(), shape=st.sampled_from([1, 2, 3])
)
@settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_what_was_sent_is_never_repeated(
    served: Served,
    caplog: pytest.LogCaptureFixture,
    place: tuple[Any, ...],
    as_key: bool,
    shape: int,
) -> None:
    caplog.set_level(logging.DEBUG)
    content = orjson.dumps(_planted(_EVENT, place, as_key))
    media_type, sent = [
        (STRUCTURED, content),
        (BATCH, b"[" + content + b"]"),
        (NDJSON, content[:-1] + b"\n" + content),
    ][shape - 1]

    answer = served.http.post("/v1/events", content=sent, headers={"Content-Type": media_type})

    assert answer.status_code in (200, 400, 422)
    assert PLANTED not in answer.text + repr(answer.headers) + caplog.text


def test_questions_are_not_repeated_either(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="api")
    asked = [
        served.http.get(f"/v1/customers/{PLANTED}"),
        served.http.get(f"/v1/events/{PLANTED}"),
        served.http.post("/v1/customers/lookup", json={"identifier": PLANTED}),
        served.http.post("/v1/customers/lookup", json={PLANTED: 1}),
        served.http.post("/v1/events/lookup", json={"source": 1, "id": PLANTED}),
        served.http.post("/v1/customers/crm:1/register", json={"party": PLANTED}),
        served.http.post(
            "/v1/customers/crm:1/register",
            json={"party": "person", "relationship": "customer", "time": PLANTED},
        ),
        served.http.post("/v1/customers/crm:1/register", json={}, headers={"If-Match": PLANTED}),
        *(
            served.http.get("/v1/customers/crm:1/timeline", params={name: PLANTED})
            for name in ("since", "until", "cursor", "limit", "at_least")
        ),
        *(
            served.http.get("/v1/sales/revenue", params={name: PLANTED})
            for name in ("by", "first", "last", "currency", "at_least")
        ),
    ]

    for answer in asked:
        assert answer.status_code in (404, 422), answer.text
        assert answer.headers["Content-Type"] == PROBLEM
        assert PLANTED not in answer.text
    assert PLANTED not in caplog.text
