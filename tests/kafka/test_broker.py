"""The broker for tests is as the one in production: formatted by hand, and killed at will."""

import hashlib

import pytest

from tests.kafka import finding
from tests.kafka.broker import Broker
from tests.kafka.formatting import FEATURES, checkpoint
from tests.kafka.jars import NotHere
from tests.kafka.metadata import answers


def test_the_folder_is_formatted_as_kafkas_own_tool_does() -> None:
    # The tool's own file of Kafka 4.3.1, its three times set to this one.
    made = checkpoint(1_795_573_738_873)
    assert len(made) == 411
    assert (
        hashlib.sha256(made).hexdigest()
        == "0eb604e03a339b91287769a2ff43bd0297a581d3fcf831c8e48e56e3e88be88e"
    )


def test_the_broker_has_the_features_of_a_freshly_formatted_one(broker: Broker) -> None:
    from kafka import KafkaAdminClient

    admin = KafkaAdminClient(bootstrap_servers=broker.address)
    try:
        found = admin.describe_features()
    finally:
        admin.close()
    assert {name: found[name]["finalized"][1] for name in FEATURES} == FEATURES


def test_a_killed_broker_comes_back_on_the_same_data_and_address(broker: Broker) -> None:
    address = broker.address
    broker.kill()
    assert not answers(address)
    broker.start()
    assert broker.address == address
    assert answers(address)


def test_a_paused_broker_answers_nobody_until_it_is_resumed(broker: Broker) -> None:
    broker.pause()
    assert not answers(broker.address, seconds=0.2)
    broker.resume()
    assert answers(broker.address, seconds=20)


def test_without_any_kafka_the_tests_are_skipped_and_say_how_to_get_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv(finding.DEMAND, raising=False)
    with pytest.raises(pytest.skip.Exception, match=r"no Kafka: there is no java.*set BACKBONE"):
        nothing_found(monkeypatch)


def test_where_ci_demands_kafka_they_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(finding.DEMAND, "1")
    with pytest.raises(pytest.fail.Exception, match="no Kafka: there is no java"):
        nothing_found(monkeypatch)


def nothing_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask for Kafka where there is neither an address, nor Docker, nor Java."""

    def no_java() -> None:
        raise NotHere("there is no java")

    monkeypatch.delenv(finding.GIVEN, raising=False)
    monkeypatch.setattr(finding, "engine_answers", lambda: False)
    monkeypatch.setattr(finding, "fetched", no_java)
    with finding.found_kafka():
        pass
