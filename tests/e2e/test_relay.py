"""`backbone relay`, as its operator meets it."""

import signal
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.e2e.processes import BACKBONE, STOP_SECONDS_MAX, Up, backbone, data_folder, environment
from tests.kafka.broker import Broker
from tests.kafka.reading import carried, read_topic, until_read
from tests.kafka.writing import delete_topic, make_topic
from tests.serving import complaint, purchase

TOPIC, PARTITIONS = "customer-events", 12


@pytest.fixture(scope="module")
def recorded() -> Iterator[Path]:
    """A data folder whose store holds three events: a customer opened, and two touchpoints."""
    with data_folder() as data_dir:
        with Up(data_dir) as program:
            program.post(purchase("crm:1", id="p-1"))
            program.post(complaint("crm:1", id="c-1"))
        yield data_dir


def relay(data_dir: Path, settings: Mapping[str, str]) -> "subprocess.Popen[str]":
    """A relay; each test has a Kafka of its own, and the store may have filled another one."""
    return subprocess.Popen(
        [BACKBONE, "relay", "--refill"],
        env=environment(data_dir) | dict(settings),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_it_puts_what_is_recorded_on_kafka_until_it_is_stopped(
    recorded: Path, broker: Broker, number: int
) -> None:
    # No ring: a relay that needed a key could not start.
    settings = {"BACKBONE_KAFKA": broker.address, "BACKBONE_RING_DIR": str(recorded) + "-none"}
    with relay(recorded, settings) as running:
        until_made(running)
        until_read(broker.address, TOPIC, PARTITIONS, 3)
        running.send_signal(number)
        _, said = running.communicate(timeout=STOP_SECONDS_MAX)
    assert running.returncode == 0, said
    assert "Stopped." in said
    events = [event for _, event in carried(read_topic(broker.address, TOPIC, PARTITIONS))]
    types = {"subject.opened", "purchase.made", "complaint.made"}
    assert {event.type for event in events} == types


def test_without_an_address_it_says_what_to_set(recorded: Path) -> None:
    answer = backbone(recorded, "relay")
    assert answer.returncode == 2
    assert "BACKBONE_KAFKA: set it to your Kafka's address" in answer.stderr


def test_where_no_broker_answers_it_says_so_in_one_sentence(recorded: Path) -> None:
    answer = backbone(recorded, "relay", settings={"BACKBONE_KAFKA": "127.0.0.1:1"})
    assert answer.returncode == 3
    assert "Kafka cannot be used at 127.0.0.1:1" in answer.stderr
    assert "does a broker run there" in answer.stderr
    assert len(answer.stderr.splitlines()) == 2


def test_a_topic_that_does_not_fit_is_refused_at_the_start(recorded: Path, broker: Broker) -> None:
    make_topic(broker.address, TOPIC, 3)
    answer = backbone(recorded, "relay", settings={"BACKBONE_KAFKA": broker.address})
    assert answer.returncode == 1
    assert "has 3 partitions and the store has 12" in answer.stderr


def test_it_stops_with_what_to_do_when_the_topic_lost_what_it_held(
    recorded: Path, broker: Broker
) -> None:
    settings = {"BACKBONE_KAFKA": broker.address}
    with relay(recorded, settings) as running:
        until_made(running)
        until_read(broker.address, TOPIC, PARTITIONS, 3)
        running.send_signal(signal.SIGTERM)
        running.communicate(timeout=STOP_SECONDS_MAX)
    delete_topic(broker.address, TOPIC)
    answer = backbone(recorded, "relay", settings=settings)
    assert answer.returncode == 1
    assert "once held" in answer.stderr
    assert "backbone relay --refill" in answer.stderr


def until_made(running: "subprocess.Popen[str]") -> None:
    """Wait until it relays."""
    assert running.stderr is not None
    for line in running.stderr:
        if "Relaying to customer-events" in line:
            return
    raise AssertionError("it never relayed")
