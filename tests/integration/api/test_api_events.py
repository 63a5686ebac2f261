"""Given events in any of the forms that CloudEvents has, when they are posted, then each is told
what became of it."""

from typing import Any
from urllib.parse import quote

import orjson
import pytest

from schemas.cloudevents import BATCH, NDJSON, STRUCTURED
from tests.serving import Served, complaint, purchase, unique


def post(served: Served, content: bytes, media_type: str, **query: str) -> Any:
    return served.http.post(
        "/v1/events", content=content, headers={"Content-Type": media_type}, params=query
    )


def binary(event: dict[str, Any], media_type: str = "application/json") -> dict[str, str]:
    return {"Content-Type": media_type} | {
        f"ce-{name}": quote(str(value), safe=" ") for name, value in event.items() if name != "data"
    }


def test_a_new_event_is_created_and_its_receipt_leads_to_it(served: Served) -> None:
    event = complaint(unique("crm:"), "Bread was stale.")
    answer = served.post(event)

    receipt = answer.json()
    assert answer.status_code == 201
    assert answer.headers["ETag"] == '"1"'
    assert receipt["stream"].endswith(f"/touchpoint/{receipt['event_ids'][0]}")
    shown = served.get(f"/v1/events/{receipt['event_ids'][0]}")
    assert shown["data"]["text"] == "Bread was stale."
    assert shown["subject"] == receipt["stream"].partition("/")[0]
    assert shown["time"] == event["time"]
    looked_up = served.http.post(
        "/v1/events/lookup", json={"source": event["source"], "id": event["id"]}
    )
    assert looked_up.json() == shown


def test_binary_and_structured_are_the_same_event(served: Served) -> None:
    event = complaint(unique("crm:"), source="téléphone", id="n° 1, été")
    first = served.http.post(
        "/v1/events", content=orjson.dumps(event["data"]), headers=binary(event)
    )

    assert first.status_code == 201, first.text
    assert served.post(event).json() == first.json() | {"duplicate": True}


def test_binary_takes_json_only(served: Served) -> None:
    event = complaint(unique("crm:"))
    answer = served.http.post("/v1/events", content=b"hello", headers=binary(event, "text/plain"))

    assert answer.status_code == 415


@pytest.mark.parametrize("media_type", ["application/json", BATCH])
def test_a_json_batch_names_what_was_not_accepted(served: Served, media_type: str) -> None:
    good, known = purchase(unique("crm:")), purchase(unique("crm:"))
    served.post(known)
    events = [good, known, known | {"subject": unique("crm:")}, {"type": "purchase.made"}, 7]

    answer = post(served, orjson.dumps(events), media_type).json()

    assert [answer[o] for o in ("accepted", "duplicate", "conflict", "rejected")] == [1, 1, 1, 2]
    assert [(i["index"], i["outcome"], i.get("code")) for i in answer["items"]] == [
        (1, "duplicate", None),
        (2, "conflict", "content-conflict"),
        (3, "rejected", "invalid"),
        (4, "rejected", "invalid"),
    ]


def test_a_batch_lists_every_item_when_asked(served: Served) -> None:
    events = [purchase(unique("crm:")) for _ in range(3)]

    answer = served.batch(events, items="all")

    assert [(item["index"], item["outcome"]) for item in answer["items"]] == [
        (n, "accepted") for n in range(3)
    ]
    assert served.http.post("/v1/events", json=events, params={"items": "some"}).status_code == 422


def test_ndjson_names_a_bad_line_by_its_index_and_skips_empty_ones(served: Served) -> None:
    lines = [
        orjson.dumps(purchase(unique("crm:"))),
        b"",
        b'{"specversion": "1.0",',
        b"  ",
        orjson.dumps(purchase(unique("crm:"))),
    ]

    answer = post(served, b"\r\n".join(lines) + b"\n", NDJSON).json()

    assert (answer["accepted"], answer["rejected"]) == (2, 1)
    assert [(item["index"], item["field"]) for item in answer["items"]] == [(1, "event")]


def test_the_same_id_twice_in_a_batch_is_a_duplicate_or_a_conflict(served: Served) -> None:
    event, other = purchase(unique("crm:")), purchase(unique("crm:"))

    answer = served.batch([event, event, other, other | {"time": "2026-02-01T12:00:00+01:00"}])

    assert answer["accepted"] == 2
    assert [(item["index"], item["outcome"]) for item in answer["items"]] == [
        (1, "duplicate"),
        (3, "conflict"),
    ]


def test_an_empty_batch_has_nothing_to_wait_for(served: Served) -> None:
    assert served.batch([]) == {
        "accepted": 0,
        "duplicate": 0,
        "conflict": 0,
        "rejected": 0,
        "token": None,
        "items": [],
    }


@pytest.mark.parametrize("media_type", ["application/json", NDJSON])
def test_one_event_too_many_is_told_before_any_is_recorded(served: Served, media_type: str) -> None:
    event = orjson.dumps(purchase(unique("crm:")))
    many = [event] * 10_001
    content = b"\n".join(many) if media_type == NDJSON else b"[" + b",".join(many) + b"]"

    answer = post(served, content, media_type)

    assert answer.status_code == 413
    assert answer.json()["type"] == "urn:backbone:problem:too-large"
    assert post(served, event, STRUCTURED).status_code == 201


def test_one_byte_too_many_is_refused(served: Served) -> None:
    most = 16 * 1024 * 1024

    assert post(served, b"[" + b" " * (most - 2) + b"]", BATCH).status_code == 200
    answer = post(served, b"[" + b" " * (most - 1) + b"]", BATCH)
    assert (answer.status_code, answer.json()["status"]) == (413, 413)


def test_a_long_event_is_read_aside_and_recorded_alike(served: Served) -> None:
    event = complaint(unique("crm:"), "x" * 99_000)

    assert served.post(event).status_code == 201
    assert served.post(event).status_code == 200


def test_an_unknown_sender_is_a_subject_of_its_own(served: Served) -> None:
    event = complaint(None)
    first, other = served.post(event), served.post(complaint(None))

    subject = first.json()["stream"].partition("/")[0]
    assert subject != other.json()["stream"].partition("/")[0]
    assert served.post(event).json()["duplicate"] is True
    profile = served.get(f"/v1/customers/{subject}", at_least=first.json()["token"])["data"]
    assert profile["identifiers"][0]["kind"] == "anonymous"
    assert profile["identifiers"][0]["value"] == first.json()["event_ids"][0]


def test_an_event_may_name_the_subject_itself(served: Served) -> None:
    subject = served.subject(purchase(unique("crm:")))

    assert served.subject(complaint(subject)) == subject


def test_a_subject_that_never_was_is_not_found(served: Served) -> None:
    answer = served.post(complaint("s_" + "q" * 26))

    assert answer.status_code == 404
    assert answer.json()["field"] == "subject"


@pytest.mark.parametrize("subject", ["@house:x", "@campaign:spring", "nobody", ":1", "crm:"])
def test_a_touchpoint_belongs_to_a_customer(served: Served, subject: str) -> None:
    answer = served.post(complaint(subject))

    assert (answer.status_code, answer.json()["field"]) == (422, "subject")


@pytest.mark.parametrize(
    "event_type",
    ["subject.opened", "subject.erased", "customer.registered", "case.opened", "purchase.unmade"],
)
def test_what_a_command_or_the_house_writes_is_not_taken_here(
    served: Served, event_type: str
) -> None:
    answer = served.post(complaint(unique("crm:"), type=event_type))

    assert answer.status_code == 422
    assert answer.json()["type"] == "urn:backbone:problem:unknown-type"


def test_tests_and_training_are_recorded_and_do_not_count(served: Served) -> None:
    who = unique("crm:")
    served.post(purchase(who, traffic="test"))
    token = served.token(purchase(who, traffic="training"))

    profile = served.get(f"/v1/customers/{who}", at_least=token)["data"]
    entries = served.get(f"/v1/customers/{who}/timeline", at_least=token)["data"]

    assert (profile["purchases"]["count"], profile["contacts"]) == (0, {})
    assert sorted(e["traffic"] for e in entries if e["type"] == "purchase.made") == [
        "test",
        "training",
    ]


def test_what_has_not_happened_yet_is_refused(served: Served) -> None:
    answer = served.post(complaint(unique("crm:"), time="2199-01-01T00:00:00Z"))

    assert (answer.status_code, answer.json()["field"]) == (422, "time")


def test_an_event_that_nobody_recorded_is_not_found(served: Served) -> None:
    unknown = "6f0d0f53-1d5c-8c1a-9f0e-2b8a4f6f3c11"

    assert served.http.get(f"/v1/events/{unknown}").status_code == 404
    asked = {"source": "shop", "id": unique("nothing")}
    assert served.http.post("/v1/events/lookup", json=asked).status_code == 404
