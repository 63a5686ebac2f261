"""Given what is known of a customer, when he is registered, then each registration stands once."""

import threading
from typing import Any

import pytest
from httpx2 import Response

from tests.serving import PROBLEM, Served, purchase, unique

ADA = {"party": "person", "relationship": "customer", "name_full": "Ada Example"}
EVE = ADA | {"name_full": "Eve Example"}


def register(served: Served, who: str, sent: dict[str, Any] = ADA, **headers: str) -> Response:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return served.http.post(f"/v1/customers/{who}/register", json=sent, headers=names)


def history(served: Served, subject: str) -> list[tuple[str, int, str]]:
    """Type, version and stream of everything that happened to a subject."""
    events = served.program.store.history.of_subject(subject)
    return [(e.type, e.stream_version, e.stream.partition("/")[2]) for e in events]


def test_registering_a_stranger_opens_his_subject(served: Served) -> None:
    who = unique("crm:")
    answer = register(served, who)

    receipt = answer.json()
    subject = receipt["stream"].partition("/")[0]
    assert (answer.status_code, answer.headers["ETag"]) == (201, '"2"')
    assert len(receipt["event_ids"]) == 1
    assert history(served, subject) == [
        ("subject.opened", 1, "subject"),
        ("customer.registered", 2, "subject"),
    ]
    profile = served.get(f"/v1/customers/{who}", at_least=receipt["token"])["data"]
    assert profile["registration"]["name_full"] == "Ada Example"


def test_registering_somebody_known_goes_to_his_subject(served: Served) -> None:
    who = unique("crm:")
    subject = served.subject(purchase(who))

    assert register(served, who).json()["stream"] == f"{subject}/subject"
    assert register(served, subject, EVE).json()["version"] == 3


def test_the_same_key_again_is_told_its_first_receipt(served: Served) -> None:
    who, key = unique("crm:"), unique("key")
    first = register(served, who, Idempotency_Key=key)
    register(served, who, EVE)
    again = register(served, who, Idempotency_Key=key)

    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json() | {"duplicate": True}


def test_the_same_key_for_something_else_is_a_conflict(served: Served) -> None:
    who, key = unique("crm:"), unique("key")
    register(served, who, Idempotency_Key=key)

    for other_who, sent in ((who, EVE), (unique("crm:"), ADA)):
        answer = register(served, other_who, sent, Idempotency_Key=key)
        assert answer.status_code == 409
        assert answer.json()["type"] == "urn:backbone:problem:content-conflict"


def test_the_same_key_at_once_is_recorded_once(served: Served) -> None:
    who, key = unique("crm:"), unique("key")

    answers = at_once([lambda: register(served, who, Idempotency_Key=key)] * 4)

    assert sorted(a.status_code for a in answers) == [200, 200, 200, 201]
    assert len({a.json()["event_ids"][0] for a in answers}) == 1
    assert len(history(served, answers[0].json()["stream"].partition("/")[0])) == 2


def test_two_who_register_at_once_both_win_in_some_order(served: Served) -> None:
    who = unique("crm:")

    answers = at_once([lambda: register(served, who), lambda: register(served, who, EVE)])

    assert sorted(a.json()["version"] for a in answers) == [2, 3]


def at_once(calls: list[Any]) -> list[Response]:
    answers: list[Response] = []
    threads = [threading.Thread(target=lambda c=call: answers.append(c())) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def test_if_match_decides_on_what_the_caller_saw(served: Served) -> None:
    who = unique("crm:")
    tag = register(served, who).headers["ETag"]

    assert register(served, who, EVE, If_Match=tag).status_code == 201
    stale = register(served, who, ADA, If_Match=tag)

    assert stale.status_code == 412
    assert stale.headers["Content-Type"] == PROBLEM
    assert stale.json()["version"] == 3


def test_of_two_who_saw_the_same_one_wins(served: Served) -> None:
    who = unique("crm:")
    register(served, who)

    answers = at_once([lambda: register(served, who, EVE, If_Match='"2"')] * 2)

    assert sorted(a.status_code for a in answers) == [201, 412]


@pytest.mark.parametrize(
    ("tag", "status"),
    [
        ("2", 201),
        ('"2"', 201),
        (' "2" ', 201),
        ('W/"2"', 412),
        ('"1"', 412),
        ("0", 412),
        ("*", 422),
        ('"2", "3"', 422),
        ('"x"', 422),
        ("-1", 422),
        ("9" * 5_000, 422),
    ],
)
def test_forms_of_if_match(served: Served, tag: str, status: int) -> None:
    who = unique("crm:")
    register(served, who)

    assert register(served, who, EVE, If_Match=tag).status_code == status


def test_if_match_of_a_stranger_is_stale(served: Served) -> None:
    assert register(served, unique("crm:"), If_Match='"2"').status_code == 412


def test_a_registration_says_when(served: Served) -> None:
    who = unique("crm:")
    answer = register(served, who, ADA | {"time": "2020-05-01T10:00:00+02:00"})

    profile = served.get(f"/v1/customers/{who}", at_least=answer.json()["token"])["data"]
    assert profile["registered_at"] == "2020-05-01T08:00:00+00:00"
    ahead = register(served, who, ADA | {"time": "2199-01-01T00:00:00Z"})
    assert (ahead.status_code, ahead.json()["field"]) == (422, "time")


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({}, "data.party"),
        (ADA | {"party": "robot"}, "data.party"),
        (ADA | {"name": "Ada"}, "data.name"),
        (ADA | {"time": "yesterday"}, "time"),
        (ADA | {"name_full": "~1.looks sealed"}, "data.name_full"),
    ],
)
def test_a_registration_that_breaks_the_contract(
    served: Served, sent: dict[str, Any], field: str
) -> None:
    answer = register(served, unique("crm:"), sent)

    assert (answer.status_code, answer.json()["field"]) == (422, field)


def test_a_subject_that_never_was_cannot_be_registered(served: Served) -> None:
    assert register(served, "s_" + "v" * 26).status_code == 404
    assert register(served, "phone:+3225550101").status_code == 422
