"""What the backbone is for, told once from end to end over HTTP."""

from tests.serving import Served, complaint, purchase


def test_a_purchase_and_a_complaint_are_seen_in_the_profile_at_once(served: Served) -> None:
    served.token(purchase("crm:1001", "49.90"))
    token = served.token(complaint("crm:1001", "It never came."))

    answer = served.get("/v1/customers/crm:1001", at_least=token)

    profile = answer["data"]
    assert profile["identifiers"] == [
        {"subject": profile["subjects"][0], "kind": "crm", "value": "1001"}
    ]
    assert profile["purchases"]["count"] == 1
    assert profile["purchases"]["net"] == {"EUR": {"unknown": "49.90"}}
    assert profile["complaints"]["count"] == 1
    assert profile["contacts"] == {"web": {"purchase.made": 1}, "voice": {"complaint.made": 1}}
    assert answer["freshness"]["state"] == "fresh"
    entries = served.get("/v1/customers/crm:1001/timeline", at_least=token)["data"]
    assert [e["data"].get("text") for e in entries if e["type"] == "complaint.made"] == [
        "It never came."
    ]


def test_the_same_event_again_is_told_its_first_receipt_and_counts_once(served: Served) -> None:
    event = purchase("crm:1002")
    first = served.post(event)
    again = served.post(event)

    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json() | {"duplicate": True}
    profile = served.get("/v1/customers/crm:1002", at_least=first.json()["token"])["data"]
    assert profile["purchases"]["count"] == 1


def test_the_same_id_with_another_content_is_refused_and_changes_nothing(served: Served) -> None:
    event = purchase("crm:1003")
    first = served.post(event)

    refusal = served.post(event | {"subject": "crm:1004"})

    assert refusal.status_code == 409
    assert refusal.json()["type"] == "urn:backbone:problem:content-conflict"
    assert served.http.get("/v1/customers/crm:1004").status_code == 404
    assert served.post(event).json()["event_ids"] == first.json()["event_ids"]


def test_ten_thousand_events_with_three_bad_ones(served: Served) -> None:
    batch = [purchase(f"crm:batch-{n % 500}") for n in range(10_000)]
    del batch[17]["data"]["net"]
    batch[4_711]["time"] = "2026-01-31T12:00:00"
    batch[9_999]["type"] = "purchase.unmade"

    answer = served.batch(batch)

    assert {name: answer[name] for name in ("accepted", "duplicate", "conflict", "rejected")} == {
        "accepted": 9_997,
        "duplicate": 0,
        "conflict": 0,
        "rejected": 3,
    }
    assert [(item["index"], item["code"], item["field"]) for item in answer["items"]] == [
        (17, "invalid", "data.net"),
        (4_711, "invalid", "time"),
        (9_999, "unknown-type", "type"),
    ]
    assert all(item["reason"] for item in answer["items"])
    profile = served.http.get(
        "/v1/customers/crm:batch-0",
        params={"at_least": answer["token"]},
        headers={"Prefer": "wait=10"},
    ).json()
    assert (profile["data"]["purchases"]["count"], profile["freshness"]["state"]) == (20, "fresh")


def test_a_customer_is_found_by_his_phone_however_it_is_written(served: Served) -> None:
    token = served.token(complaint("phone:+32 2 555 01 01"))

    answers = [
        served.http.post(
            "/v1/customers/lookup", json={"identifier": spelling}, params={"at_least": token}
        ).json()["data"]
        for spelling in ("phone:+3225550101", "phone:02 555 01 01", "phone:0032/2/555.01.01")
    ]

    assert answers[0]["complaints"]["count"] == 1
    assert answers[0] == answers[1] == answers[2]
    assert answers[0]["identifiers"][0]["value"] == "+32 2 555 01 01"
