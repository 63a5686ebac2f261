"""`backbone up --kafka`, and projectors beside it: the views are fed by way of a real broker."""

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.processes import BACKBONE, STOP_SECONDS_MAX, Up, backbone, data_folder, environment
from tests.kafka.broker import Broker
from tests.kafka.reading import read_topic
from tests.serving import purchase

TOPIC, PARTITIONS = "customer-events", 12


@pytest.fixture
def data_dir() -> Iterator[Path]:
    with data_folder() as folder:
        yield folder


def count(program: Up, token: str) -> int:
    """How many purchases the profile holds, once it has come as far as the token. After kill -9
    Kafka waits for the dead member's session to end, 10 seconds, before it gives out partitions."""
    path = f"/v1/customers/crm:1?at_least={token}"
    for _ in range(4):
        answer = program.http.get(path, headers={"Prefer": "wait=10"}).json()
        if answer["freshness"]["state"] == "fresh":
            found: int = answer["data"]["purchases"]["count"]
            return found
    raise AssertionError(answer["freshness"])


def test_a_purchase_comes_to_the_view_by_kafka_also_after_kill_9(
    data_dir: Path, broker: Broker
) -> None:
    with Up(data_dir, "--kafka", broker.address) as program:
        token = program.post(purchase("crm:1", id="p-1")).json()["token"]
        assert count(program, token) == 1
        assert program.http.get("/ready").status_code == 200
        program.stop(signal.SIGKILL)
    with Up(data_dir, "--kafka", broker.address) as program:
        token = program.post(purchase("crm:1", id="p-2")).json()["token"]
        assert count(program, token) == 2
        assert program.stop(signal.SIGTERM) == 0
    assert len(read_topic(broker.address, TOPIC, PARTITIONS)) == 3  # and the customer was opened
    with Up(data_dir) as program:  # from the store again
        token = program.post(purchase("crm:1", id="p-3")).json()["token"]
        assert count(program, token) == 3
    with Up(data_dir, "--kafka", broker.address) as program:
        token = program.post(purchase("crm:1", id="p-4")).json()["token"]
        assert count(program, token) == 4


def test_a_projector_of_its_own_reads_from_kafka_and_drains(data_dir: Path, broker: Broker) -> None:
    with Up(data_dir, "--kafka", broker.address) as program:
        token = program.post(purchase("crm:1", id="p-1")).json()["token"]
        settings = {"BACKBONE_KAFKA": broker.address}
        refused = backbone(data_dir, "project", "profile", "--partitions", "0-5", settings=settings)
        assert refused.returncode == 1
        assert "--partitions: with BACKBONE_KAFKA the group shares" in refused.stderr
        with subprocess.Popen(
            [BACKBONE, "project", "profile"],
            env=environment(data_dir) | settings,
            stderr=subprocess.PIPE,
            text=True,
        ) as running:
            assert running.stderr is not None
            assert "Projecting profile from Kafka" in running.stderr.readline()
            token = program.post(purchase("crm:1", id="p-2")).json()["token"]
            assert count(program, token) == 2
            running.send_signal(signal.SIGTERM)
            _, said = running.communicate(timeout=STOP_SECONDS_MAX)
        assert running.returncode == 0, said
        assert "Stopped." in said


def test_where_no_broker_answers_it_says_so_in_one_sentence(data_dir: Path) -> None:
    with Up(data_dir):
        pass
    settings = {"BACKBONE_KAFKA": "127.0.0.1:1"}
    answer = backbone(data_dir, "project", "profile", settings=settings)
    assert answer.returncode == 3
    assert "Kafka cannot be read at 127.0.0.1:1" in answer.stderr
    answer = backbone(data_dir, "up", "--kafka", "nowhere")
    assert (answer.returncode, "--kafka: must read host:port" in answer.stderr) == (1, True)
