"""Given a write and its receipt, when a read asks for it, then the answer holds it or says that it
does not."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from backbone.wiring import conninfo
from schemas.partitioning import partition_of
from schemas.receipts import Token
from tests.feeding import cut, until
from tests.serving import Served, complaint, purchase, serving, unique


@pytest.fixture
def own(postgres: str, tmp_path: Path) -> Iterator[Served]:
    """A program of its own, for what would disturb the others."""
    with serving(postgres, tmp_path, wait_seconds_max="1") as served:
        yield served


def waited(served: Served, path: str, token: str, prefer: str = "wait=10") -> dict[str, Any]:
    answer = served.http.get(path, params={"at_least": token}, headers={"Prefer": prefer})
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def test_a_read_without_a_token_is_fresh_once_everything_is_in(served: Served) -> None:
    who = unique("crm:")
    waited(served, f"/v1/customers/{who}", served.token(purchase(who)))

    answer = served.get(f"/v1/customers/{who}")

    assert answer["freshness"]["lag_seconds"] == 0
    assert answer["freshness"]["state"] == "fresh"
    partition = partition_of(answer["data"]["subjects"][0], 12)
    assert list(answer["freshness"]["sequences"]) == [str(partition)]


def test_while_the_view_stands_still_the_answer_is_old_and_says_so(served: Served) -> None:
    who = unique("crm:")
    path = f"/v1/customers/{who}"
    waited(served, path, served.token(purchase(who)))

    with served.paused("profile"):
        token = served.token(purchase(who))
        old = waited(served, path, token, "wait=0.2")
    new = waited(served, path, token)

    assert (old["data"]["purchases"]["count"], new["data"]["purchases"]["count"]) == (1, 2)
    assert old["freshness"]["state"] == "pending"
    assert 0.2 <= old["freshness"]["waited_seconds"] < 2
    assert new["freshness"]["state"] == "fresh"
    assert "waited_seconds" not in new["freshness"]


def test_somebody_who_is_not_in_the_view_yet_has_an_empty_profile(served: Served) -> None:
    who = unique("crm:")

    with served.paused("profile"), served.paused("timeline"):
        token = served.token(purchase(who))
        profile = waited(served, f"/v1/customers/{who}", token, "wait=0")
        not_asked = served.get(f"/v1/customers/{who}")
        timeline = waited(served, f"/v1/customers/{who}/timeline", token, "wait=0")

    assert profile["data"]["purchases"]["count"] == 0
    assert not_asked["data"] == profile["data"]
    assert not_asked["freshness"]["state"] == "pending"
    assert profile["data"]["identifiers"] == []
    assert timeline["data"] == []
    assert {profile["freshness"]["state"], timeline["freshness"]["state"]} == {"pending"}


def test_a_read_that_waits_is_answered_when_the_view_moves_on(served: Served) -> None:
    who = unique("crm:")
    answers = []
    with served.paused("profile"):
        token = served.token(purchase(who))
        asking = threading.Thread(
            target=lambda: answers.append(waited(served, f"/v1/customers/{who}", token))
        )
        asking.start()
    asking.join()

    assert answers[0]["data"]["purchases"]["count"] == 1
    assert answers[0]["freshness"]["state"] == "fresh"


def test_nobody_waits_for_other_customers_events(served: Served) -> None:
    who = unique("crm:")
    subject = served.subject(purchase(who))
    path = f"/v1/customers/{who}"
    waited(served, path, served.token(purchase(who)))
    with served.paused("profile"):
        token = Token.parse(served.batch([purchase(unique("crm:")) for _ in range(50)])["token"])
        own_partition = partition_of(subject, 12)
        others = {p: s for p, s in token.sequences.items() if p != own_partition}
        answer = waited(served, path, Token(token.epoch, others).text())

    assert others
    assert "waited_seconds" not in answer["freshness"]


def test_revenue_waits_for_every_partition(served: Served) -> None:
    with served.paused("profile"):
        token = served.batch([purchase(unique("crm:")) for _ in range(50)])["token"]
        old = waited(served, "/v1/sales/revenue", token, "wait=0.1")
    new = waited(served, "/v1/sales/revenue", token)

    assert old["freshness"]["state"] == "pending"
    assert (new["freshness"]["state"], len(new["freshness"]["sequences"])) == ("fresh", 12)


def test_a_token_from_before_a_restore_is_refused(served: Served) -> None:
    who = unique("crm:")
    token = Token.parse(served.token(purchase(who)))
    other = Token(token.epoch + 1, token.sequences).text()

    answer = served.http.get(f"/v1/customers/{who}", params={"at_least": other})

    assert answer.status_code == 409
    assert answer.json()["type"] == "urn:backbone:problem:other-epoch"


def test_no_wait_is_longer_than_the_limit(own: Served) -> None:
    token = Token.parse(own.token(purchase("crm:1")))
    never = Token(token.epoch, {p: s + 1 for p, s in token.sequences.items()}).text()

    answer = waited(own, "/v1/customers/crm:1", never, "respond-async, wait=9999")

    assert answer["freshness"]["state"] == "pending"
    assert 1 <= answer["freshness"]["waited_seconds"] < 5


def test_a_held_customer_says_so_and_others_do_not(own: Served) -> None:
    own.http.get("/v1/customers/crm:2", params={"at_least": own.token(purchase("crm:2"))})
    subject = own.subject(purchase("crm:1"))
    waited(own, "/v1/customers/crm:1", own.token(purchase("crm:1")))
    with own.program.views.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO held_subjects (view, generation, partition, subject, since_sequence, "
            "since_position, event_id, cause, events) VALUES "
            f"('profile', 1, {partition_of(subject, 12)}, '{subject}', 1, 1, "
            "'6f0d0f53-1d5c-8c1a-9f0e-2b8a4f6f3c11', 'planted', 1)"
        )

    assert own.get("/v1/customers/crm:1")["freshness"]["state"] == "held"
    assert own.get("/v1/customers/crm:2")["freshness"]["state"] == "fresh"
    assert own.get("/v1/sales/revenue")["freshness"]["state"] == "held"


def test_a_view_that_stands_still_for_long_is_stopped_and_a_slow_one_is_not(own: Served) -> None:
    waited(own, "/v1/customers/crm:1", own.token(purchase("crm:1")))
    with own.paused("profile"):
        token = own.token(purchase("crm:1"))
        _age_the_log(own)
        slow = waited(own, "/v1/customers/crm:1", token, "wait=0")
        with own.program.views.begin() as connection:
            connection.exec_driver_sql("UPDATE checkpoints SET updated_at = now() - interval '1h'")
        still = waited(own, "/v1/customers/crm:1", token, "wait=0")

    assert slow["freshness"]["state"] == "pending"
    assert still["freshness"]["state"] == "stopped"
    assert still["freshness"]["lag_seconds"] > 60
    assert "waited_seconds" in still["freshness"]


def _age_the_log(served: Served) -> None:
    """As if everything had been recorded a minute earlier."""
    with psycopg.connect(conninfo(served.at.store)) as connection:
        connection.execute("UPDATE events SET recorded_at = recorded_at - interval '1 min 1 s'")


def test_a_wait_ends_also_when_nobody_tells_that_the_view_moved(own: Served) -> None:
    until(lambda: cut(own.at.views, "backbone views listener") == 1, "the listener listens")

    answer = waited(own, "/v1/customers/crm:1", own.token(complaint("crm:1")))

    assert answer["data"]["complaints"]["count"] == 1
    until(lambda: cut(own.at.views, "backbone views listener") == 1, "it listens again")


def test_many_wait_for_one_look(served: Served) -> None:
    who = unique("crm:")
    token = served.token(purchase(who))
    answers: list[dict[str, Any]] = []
    with served.paused("profile"):
        token = served.token(purchase(who))
        asking = [
            threading.Thread(
                target=lambda: answers.append(waited(served, f"/v1/customers/{who}", token))
            )
            for _ in range(30)
        ]
        for one in asking:
            one.start()
    started = time.monotonic()
    for one in asking:
        one.join()

    assert time.monotonic() - started < 8
    assert {answer["data"]["purchases"]["count"] for answer in answers} == {2}
