"""A topic is made as stated, held against the store, and its end is found behind any marks."""

from collections.abc import Callable

import pytest
from kafka import TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType

from consumers.kafka_topics import RECORD_BYTES_MAX, TOPIC_SETTINGS, Tail, ensure_topic, read_tail
from schemas.errors import Broken, Unavailable
from tests.kafka.writing import admin, make_topic, write, writer

NOBODY = ("127.0.0.1:1",)


@pytest.fixture
def topic(new_topic: Callable[[str], str]) -> str:
    return new_topic("topic")


def test_a_missing_topic_is_made_with_the_settings_that_are_stated(kafka: str, topic: str) -> None:
    for _ in range(2):
        assert ensure_topic((kafka,), topic, 5) == RECORD_BYTES_MAX
    with admin(kafka) as client:
        (found,) = client.describe_topics([topic])
        resource = ConfigResource(ConfigResourceType.TOPIC, topic)
        ((configs,),) = (each.values() for each in client.describe_configs([resource]).values())
    assert len(found["partitions"]) == 5
    stated = TOPIC_SETTINGS | {"min.insync.replicas": "1"}  # one broker, so one copy
    # Settings that a broker has by itself are not listed as a topic's own.
    assert {name: held["value"] for name, held in configs.items()}.items() <= stated.items()
    assert configs["retention.ms"]["value"] == "-1"


def test_another_partition_count_is_refused_with_what_to_do(kafka: str, topic: str) -> None:
    make_topic(kafka, topic, 3)
    with pytest.raises(Broken, match=r"has 3 partitions and the store has 4.*Delete the topic"):
        ensure_topic((kafka,), topic, 4)


def test_a_topic_that_keeps_only_the_last_of_each_key_is_refused(kafka: str, topic: str) -> None:
    make_topic(kafka, topic, 2, cleanup_policy="compact")
    with pytest.raises(Broken, match="compacted"):
        ensure_topic((kafka,), topic, 2)


def test_a_topic_that_forgets_by_time_is_told_of(
    kafka: str, topic: str, caplog: pytest.LogCaptureFixture
) -> None:
    make_topic(kafka, topic, 2, retention_ms="1000000", max_message_bytes="5000")
    assert ensure_topic((kafka,), topic, 2) == 5000
    assert "set its retention.ms to -1" in caplog.text


def test_an_empty_topic_has_no_end(kafka: str, topic: str) -> None:
    ensure_topic((kafka,), topic, 3)
    assert read_tail((kafka,), topic, 3) == Tail()


def test_the_end_is_the_highest_position_of_all_partitions(kafka: str, topic: str) -> None:
    ensure_topic((kafka,), topic, 3)
    with writer(kafka, topic) as producer:
        producer.begin_transaction()
        for position, partition in [(1, 2), (2, 0), (3, 2), (4, 0)]:
            write(producer, topic, partition, position, 42)
        producer.commit_transaction()
    assert read_tail((kafka,), topic, 3) == Tail(4, 42)


@pytest.mark.parametrize("aborted", [1, 40, 200])
def test_the_end_is_found_in_front_of_whatever_was_taken_back(
    kafka: str, topic: str, aborted: int
) -> None:
    ensure_topic((kafka,), topic, 2)
    with writer(kafka, topic) as producer:
        producer.begin_transaction()
        write(producer, topic, 1, 7, 42)
        producer.commit_transaction()
        for position in range(8, 8 + aborted, 8):
            producer.begin_transaction()
            for more in range(8):
                write(producer, topic, more % 2, position + more, 42)
            producer.abort_transaction()
    assert read_tail((kafka,), topic, 2) == Tail(7, 42)


def test_a_partition_whose_first_records_were_deleted_is_read_to_its_start(
    kafka: str, topic: str
) -> None:
    ensure_topic((kafka,), topic, 1)
    with writer(kafka, topic) as producer:
        for position in range(1, 6):
            producer.begin_transaction()
            write(producer, topic, 0, position, 42)
            producer.commit_transaction()
    with admin(kafka) as client:
        client.delete_records({TopicPartition(topic, 0): 10})
    assert read_tail((kafka,), topic, 1) == Tail()


def test_another_writers_open_transaction_hides_the_end_until_it_ends(
    kafka: str, topic: str
) -> None:
    ensure_topic((kafka,), topic, 1)
    with writer(kafka, topic) as producer:
        producer.begin_transaction()
        write(producer, topic, 0, 1, 42)
        with pytest.raises(Unavailable, match="another writer has an unfinished transaction"):
            read_tail((kafka,), topic, 1, seconds=0.1)
        producer.commit_transaction()
        assert read_tail((kafka,), topic, 1) == Tail(1, 42)


def test_a_record_of_nobodys_relay_at_the_end_is_for_a_person_to_look_at(
    kafka: str, topic: str
) -> None:
    ensure_topic((kafka,), topic, 1)
    with writer(kafka, topic) as producer:
        producer.begin_transaction()
        producer.send(topic, b"hello", key=b"world", partition=0)
        producer.commit_transaction()
    with pytest.raises(Broken, match="only the relay may write there"):
        read_tail((kafka,), topic, 1)


def test_where_no_broker_answers_it_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("consumers.kafka_client.BOOTSTRAP_SECONDS_MAX", 0.2)
    with pytest.raises(Unavailable, match="KafkaTimeoutError"):
        ensure_topic(NOBODY, "any", 1)
