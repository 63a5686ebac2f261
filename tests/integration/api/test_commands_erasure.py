"""Given a customer, when he is erased, then nobody can read who he was, and what happened still
counts."""

from typing import Any

import pytest

from commands.erasure import EraseCustomer
from domain.access import LOCAL, Principal
from schemas.errors import Forbidden, NotFound
from schemas.identifiers import Identifier, parse_identifier
from tests.serving import Served, complaint, purchase, unique

DAY = {"first": "1985-07-01", "last": "1985-07-01", "by": ""}


@pytest.fixture
def erasing(served: Served) -> EraseCustomer:
    store = served.program.store
    return EraseCustomer(store.ids, store.subjects, store.history, store.eraser)


def identifier(text: str) -> Identifier:
    return parse_identifier(text, "BE")


def erase(erasing: EraseCustomer, who: str, *, points: bool = False) -> str:
    plan = erasing.plan(LOCAL, identifier(who))
    erasing.erase(LOCAL, plan, points=points)
    return plan.subject


def seen(served: Served, who: str, token: str) -> dict[str, Any]:
    """The profile once the view has read the token."""
    return served.get(f"/v1/customers/{who}", at_least=token)


def test_a_plan_tells_what_would_go_and_does_nothing(
    served: Served, erasing: EraseCustomer
) -> None:
    who = unique("crm:")
    subject = served.subject(complaint(who))
    served.post(purchase(who))

    plan = erasing.plan(LOCAL, identifier(who))

    assert (plan.subject, plan.standing, plan.events) == (subject, "living", 3)
    assert (plan.keys, plan.points) == (2, ())
    assert served.http.get(f"/v1/customers/{who}").status_code == 200


def test_an_erased_customer_is_found_no_more(served: Served, erasing: EraseCustomer) -> None:
    who = unique("crm:")
    receipt = served.post(complaint(who)).json()
    seen(served, who, receipt["token"])
    subject = erase(erasing, who)

    for path in (
        f"/v1/customers/{who}",
        f"/v1/customers/{subject}",
        f"/v1/customers/{subject}/timeline",
        f"/v1/events/{receipt['event_ids'][0]}",
    ):
        assert served.http.get(path).status_code == 404, path
    looked_up = served.http.post("/v1/customers/lookup", json={"identifier": who})
    assert looked_up.status_code == 404


def test_what_is_sent_again_is_a_duplicate_and_brings_nobody_back(
    served: Served, erasing: EraseCustomer
) -> None:
    who = unique("crm:")
    first, second = complaint(who), purchase(who)
    served.batch([first, second])
    erase(erasing, who)
    before = len(served.program.store.history.from_position(0, 1_000_000))

    single = served.post(first)
    changed = served.post(first | {"time": "2026-02-02T00:00:00Z"})
    batch = served.batch([first, second])

    assert (single.status_code, single.json()) == (200, {"duplicate": True, "erased": True})
    assert changed.json() == single.json()
    assert "ETag" not in single.headers
    assert batch["items"] == [
        {"index": 0, "outcome": "duplicate", "erased": True},
        {"index": 1, "outcome": "duplicate", "erased": True},
    ]
    assert served.http.get(f"/v1/customers/{who}").status_code == 404
    assert len(served.program.store.history.from_position(0, 1_000_000)) == before


def test_nothing_is_written_for_an_erased_subject(served: Served, erasing: EraseCustomer) -> None:
    who = unique("crm:")
    served.post(complaint(who))
    subject = erase(erasing, who)

    for answer in (
        served.post(complaint(subject)),
        served.http.post(
            f"/v1/customers/{subject}/register",
            json={"party": "person", "relationship": "customer"},
        ),
    ):
        assert answer.status_code == 404
        assert answer.json()["type"] == "urn:backbone:problem:not-found"


def test_a_new_event_of_the_same_identifier_is_somebody_new(
    served: Served, erasing: EraseCustomer
) -> None:
    who = unique("crm:")
    served.post(complaint(who))
    subject = erase(erasing, who)

    assert served.subject(complaint(who)) != subject


def test_revenue_is_the_same_before_and_after(served: Served, erasing: EraseCustomer) -> None:
    who, other = unique("crm:"), unique("crm:")
    bought = [purchase(w, "8.25", time="1985-07-01T12:00:00Z") for w in (who, who, other)]
    before = served.get("/v1/sales/revenue", at_least=served.batch(bought)["token"], **DAY)["data"]

    plan = erasing.plan(LOCAL, identifier(who))
    (erasure,) = erasing.erase(LOCAL, plan)

    # An event of the same partition that comes after it shows that the erasure is in the view.
    assert erasure.place is not None
    events = served.program.store.history.of_subject(plan.subject)
    assert events[-1].type == "subject.erased"
    epoch = served.program.store.info.epoch
    token = f"{epoch:x}.{events[-1].partition}-{events[-1].sequence}"
    after = served.get("/v1/sales/revenue", at_least=token, **DAY)
    assert after["freshness"]["state"] == "fresh"
    assert after["data"] == before
    assert before[0]["net"] == "24.75"


def register_with_point(served: Served, who: str, email: str) -> None:
    registration = {
        "party": "person",
        "relationship": "customer",
        "points": [{"kind": "email", "value": email}],
    }
    assert served.http.post(f"/v1/customers/{who}/register", json=registration).status_code == 201


def test_contact_points_stay_unless_asked(served: Served, erasing: EraseCustomer) -> None:
    who, email = unique("crm:"), f"{unique('a')}@example.com"
    register_with_point(served, who, email)
    served.post(complaint(f"email:{email}"))
    point = served.program.store.subjects.find(identifier(f"email:{email}"))

    plan = erasing.plan(LOCAL, identifier(who))
    erasing.erase(LOCAL, plan)

    assert plan.points == (point,)
    assert served.program.store.subjects.find(identifier(f"email:{email}")) == point


def test_an_erasure_with_points_that_broke_off_is_finished_by_the_same_command(
    served: Served, erasing: EraseCustomer
) -> None:
    who, email = unique("crm:"), f"{unique('a')}@example.com"
    register_with_point(served, who, email)
    broken_off = erasing.plan(LOCAL, identifier(who))
    # As if the process had died behind the first of its subjects.
    erasing.erase(LOCAL, erasing.plan(LOCAL, broken_off.points[0]))

    plan = erasing.plan(LOCAL, identifier(who))
    done = erasing.erase(LOCAL, plan, points=True)

    assert {erasure.subject: erasure.keys for erasure in done} == {
        broken_off.points[0]: 0,
        plan.subject: 1,
    }
    subjects = served.program.store.subjects
    assert subjects.standing(plan.subject) == "erased"
    assert subjects.find(identifier(f"email:{email}")) is None


def test_erasing_twice_is_erasing_once(served: Served, erasing: EraseCustomer) -> None:
    who = unique("crm:")
    served.post(complaint(who))
    subject = erase(erasing, who)

    plan = erasing.plan(LOCAL, subject)
    (again,) = erasing.erase(LOCAL, plan)

    assert (plan.standing, again.keys, again.place) == ("erased", 0, None)
    types = [e.type for e in served.program.store.history.of_subject(subject)]
    assert types.count("subject.erased") == 1
    with pytest.raises(NotFound):
        erasing.plan(LOCAL, identifier(who))


def test_nobody_else_may_erase(served: Served, erasing: EraseCustomer) -> None:
    who = unique("crm:")
    served.post(complaint(who))
    plan = erasing.plan(LOCAL, identifier(who))
    stranger = Principal("stranger")

    with pytest.raises(Forbidden):
        erasing.plan(stranger, identifier(who))
    with pytest.raises(Forbidden):
        erasing.erase(stranger, plan)
    assert served.http.get(f"/v1/customers/{who}").status_code == 200


def test_whoever_never_was_cannot_be_erased(erasing: EraseCustomer) -> None:
    for who in (identifier(unique("crm:")), "s_" + "w" * 26):
        with pytest.raises(NotFound):
            erasing.plan(LOCAL, who)


def test_only_the_hash_of_the_request_is_kept(served: Served, erasing: EraseCustomer) -> None:
    who = unique("crm:")
    subject = served.subject(complaint(who))
    erasing.erase(
        LOCAL, erasing.plan(LOCAL, identifier(who)), reason="court", request="2026/Zebulon"
    )

    data = served.program.store.history.of_subject(subject)[-1].data
    assert data["reason"] == "court"
    assert "Zebulon" not in str(data)
    assert data["keys_destroyed"] == 2
