"""`backbone up`, as a new user meets it: start, use, stop, start again."""

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.processes import Up, backbone, data_folder, servers_of

NET = {"amount": "12.34", "currency": "EUR"}
LINE = {"no": 1, "product": "A", "category": "lamps", "quantity": "1", "unit": "piece", "net": NET}


def purchase(event_id: str, subject: str = "crm:1001") -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "source": "shop",
        "id": event_id,
        "type": "purchase.made",
        "subject": subject,
        "time": "2026-01-31T12:00:00+01:00",
        "data": {"channel": "web", "lines": [LINE], "net": NET},
    }


@pytest.fixture
def data_dir() -> Iterator[Path]:
    with data_folder() as folder:
        yield folder


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_what_was_recorded_is_there_after_a_stop_and_no_server_is_left(
    data_dir: Path, number: int
) -> None:
    with Up(data_dir) as program:
        receipt = program.post(purchase("1")).json()
        assert program.stop(number) == 0
    assert "Stopped" in program.said
    assert not servers_of(data_dir)
    with Up(data_dir) as program:
        path = f"/v1/customers/crm:1001?at_least={receipt['token']}"
        profile = program.http.get(path).json()
        assert profile["data"]["purchases"]["count"] == 1
        assert profile["freshness"]["state"] == "fresh"
        again = program.post(purchase("1"))
        assert (again.status_code, again.json()["duplicate"]) == (200, True)
        assert again.json()["event_ids"] == receipt["event_ids"]


def test_what_was_answered_is_there_after_kill_9(data_dir: Path) -> None:
    with Up(data_dir) as program:
        receipts = [program.post(purchase(str(i))).json() for i in range(50)]
        program.stop(signal.SIGKILL)
    with Up(data_dir) as program:
        path = f"/v1/customers/crm:1001?at_least={receipts[-1]['token']}"
        answer = program.http.get(path, headers={"Prefer": "wait=10"}).json()
        assert answer["data"]["purchases"]["count"] == 50
        assert program.post(purchase("0")).json()["event_ids"] == receipts[0]["event_ids"]
    assert not servers_of(data_dir)


def test_a_question_to_no_store_says_what_to_do_and_leaves_nothing_behind(data_dir: Path) -> None:
    answer = backbone(data_dir, "events", "show", "0" * 32)
    assert answer.returncode == 1
    assert "backbone up" in answer.stderr
    assert not data_dir.exists()


def test_a_taken_port_is_told_before_anything_starts(data_dir: Path) -> None:
    with Up(data_dir) as program:
        port = program.address.rpartition(":")[2]
        second = data_dir.with_name("second")
        answer = backbone(second, "up", settings={"BACKBONE_HTTP_PORT": port})
    assert answer.returncode == 1
    assert "BACKBONE_HTTP_PORT" in answer.stderr
    assert not second.exists()
