"""When something behind the door breaks, the answer says whether waiting helps, and no more."""

import logging
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.feeding import until
from tests.serving import PROBLEM, Served, complaint, purchase, serving


@pytest.fixture
def own(postgres: str, tmp_path: Path) -> Iterator[Served]:
    with serving(postgres, tmp_path) as served:
        served.get("/v1/customers/crm:1", at_least=served.token(complaint("crm:1")))
        yield served


def test_a_store_that_takes_nothing_is_unavailable_for_now(own: Served) -> None:
    own.program.store.appender.stop()

    for answer in (
        own.post(purchase("crm:1")),
        own.http.post("/v1/events", json=[purchase("crm:1")]),
        own.http.post(
            "/v1/customers/crm:1/register", json={"party": "person", "relationship": "customer"}
        ),
    ):
        assert answer.status_code == 503
        assert answer.headers["Content-Type"] == PROBLEM
        assert answer.json()["type"] == "urn:backbone:problem:unavailable"
        assert answer.headers["Retry-After"] == "1"
    assert own.http.get("/v1/customers/crm:1").status_code == 200
    assert own.http.get("/ready").status_code == 503


def test_a_statement_that_fails_is_not_told(own: Served, caplog: pytest.LogCaptureFixture) -> None:
    with own.program.views.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE profile_g1 RENAME COLUMN who TO someone")

    answer = own.http.get("/v1/customers/crm:1")

    assert answer.status_code == 500
    assert answer.headers["Content-Type"] == PROBLEM
    assert "profile_g1" not in answer.text + caplog.text
    assert "sqlstate" not in answer.text
    assert "42703" in caplog.text
    assert own.http.get("/v1/customers/crm:1/timeline").status_code == 200


def test_one_damaged_row_does_not_keep_others_from_being_read(own: Served) -> None:
    served = {who: own.token(purchase(who)) for who in ("crm:2", "crm:3")}
    for who, token in served.items():
        own.get(f"/v1/customers/{who}", at_least=token)
    with own.program.views.begin() as connection:
        connection.exec_driver_sql(
            """UPDATE profile_g1 SET spent = '{"EUR": {"unknown": "much"}}' WHERE complaints = 1"""
        )

    # Asked at once, so that they come into one statement.
    answers: dict[str, int] = {}
    everybody = ["crm:1", "crm:2", "crm:3"] * 5

    def ask(nth: int, who: str) -> None:
        answers[f"{who} {nth}"] = own.http.get(f"/v1/customers/{who}").status_code

    asking = [threading.Thread(target=ask, args=one) for one in enumerate(everybody)]
    for one in asking:
        one.start()
    for one in asking:
        one.join()

    assert {a for who, a in answers.items() if who.startswith("crm:1")} == {500}
    assert {a for who, a in answers.items() if not who.startswith("crm:1")} == {200}


def test_a_line_that_is_full_takes_a_batch_bit_by_bit(postgres: str, tmp_path: Path) -> None:
    with serving(postgres, tmp_path, append_queue_max="50") as served:
        answer = served.batch([purchase(f"crm:{n}") for n in range(500)])

    assert (answer["accepted"], answer["items"]) == (500, [])


def test_health_is_answered_while_batches_are_taken_in(
    own: Served, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    batch = [purchase(f"crm:{n % 100}") for n in range(1_500)]
    taken: list[int] = []

    def send(nth: int) -> None:
        events = [event | {"id": f"{nth} {event['id']}"} for event in batch]
        taken.append(own.batch(events)["accepted"])

    # More than there are threads for batches.
    sending = [threading.Thread(target=send, args=[n]) for n in range(4)]
    for one in sending:
        one.start()
    alive = 0
    while any(one.is_alive() for one in sending):
        assert own.http.get("/live").status_code == 200
        assert own.http.get("/v1/customers/crm:1").status_code == 200
        alive += 1
    for one in sending:
        one.join()

    assert taken == [1_500] * 4
    assert alive > 1
    assert not caplog.records
    until(lambda: own.program.store.appender.queued == 0, "everything is written")
