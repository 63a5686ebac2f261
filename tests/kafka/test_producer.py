"""A batch is on the topic whole or not at all, and only the youngest producer can put it there."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest

from consumers.kafka_producer import (
    RECORD_OVERHEAD_BYTES,
    KafkaTransactions,
    Patience,
    ProducerPoints,
    all_arrived,
    check_size,
    commit_within,
    fencing_producer,
)
from consumers.kafka_topics import ensure_topic
from schemas.errors import Broken, Unavailable
from tests.feeding import until
from tests.kafka.broker import Broker
from tests.kafka.reading import read_topic

IMPATIENT = Patience(request=0.5, delivery=1, flush=2, commit=2, transaction=10)


@pytest.fixture
def topic(kafka: str, new_topic: Callable[[str], str]) -> str:
    name = new_topic("producer")
    ensure_topic((kafka,), name, 2)
    return name


@contextmanager
def producer(
    address: str, topic: str, patience: Patience | None = None, **changes: Any
) -> Iterator[KafkaTransactions]:
    made = fencing_producer((address,), topic, topic, 1_000_000, patience=patience, **changes)
    try:
        yield made
    finally:
        made.close()


def send(to: KafkaTransactions, *values: bytes) -> None:
    to.begin()
    for number, value in enumerate(values):
        to.send(number % 2, b"key", value, [("ce_position", b"1")])


def values(address: str, topic: str) -> list[bytes]:
    return sorted(record.value for record in read_topic(address, topic, 2))


def test_nothing_can_be_read_before_the_commit_and_all_of_it_after(kafka: str, topic: str) -> None:
    with producer(kafka, topic) as one:
        send(one, b"1", b"2", b"3")
        assert values(kafka, topic) == []
        one.commit()
        assert values(kafka, topic) == [b"1", b"2", b"3"]


def test_an_older_producer_can_commit_nothing_once_there_is_a_younger_one(
    kafka: str, topic: str
) -> None:
    with producer(kafka, topic) as older:
        send(older, b"before")
        older.commit()
        send(older, b"never")
        with producer(kafka, topic) as younger:
            with pytest.raises(Unavailable):
                older.commit()
            with pytest.raises(Unavailable):
                older.begin()
            send(younger, b"after")
            younger.commit()
    assert values(kafka, topic) == [b"after", b"before"]


def test_what_a_dropped_producer_left_open_is_undone_by_the_next(kafka: str, topic: str) -> None:
    with producer(kafka, topic) as one:
        send(one, b"never")
    with producer(kafka, topic) as two:
        send(two, b"1")
        two.commit()
    assert values(kafka, topic) == [b"1"]


def test_records_that_ran_out_of_time_are_not_committed_around(
    broker: Broker, new_topic: Callable[[str], str]
) -> None:
    name = new_topic("paused")
    ensure_topic((broker.address,), name, 2)
    points = ProducerPoints(after_flush=broker.resume)
    with producer(broker.address, name, IMPATIENT, points=points) as one:
        send(one, b"1")
        one.commit()
        send(one, b"2", b"3")
        broker.pause()
        with pytest.raises(Unavailable, match="did not take 2 records"):
            one.commit()
    assert values(broker.address, name) == [b"1"]


def test_trying_in_vain_leaves_no_thread_behind(
    broker: Broker, new_topic: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("consumers.kafka_client.BOOTSTRAP_SECONDS_MAX", 0.2)
    name = new_topic("vain")
    ensure_topic((broker.address,), name, 2)
    before = threading.active_count()
    with producer(broker.address, name, IMPATIENT) as one:
        send(one, b"1")
        broker.pause()
        with pytest.raises(Unavailable):
            one.commit()
    for _ in range(3):
        with pytest.raises(Unavailable), producer(broker.address, name, IMPATIENT):
            pass
        with pytest.raises(Unavailable):
            ensure_topic((broker.address,), name, 2)
    until(lambda: threading.active_count() == before, "every client's thread has ended")


@dataclass
class Sent:
    """As kafka-python answers to a send."""

    arrived: bool

    def succeeded(self) -> bool:
        return self.arrived


def test_a_batch_has_arrived_when_each_record_has() -> None:
    all_arrived([Sent(True), Sent(True)])
    all_arrived([])
    with pytest.raises(Unavailable, match="did not take 2 records"):
        all_arrived([Sent(True), Sent(False), Sent(True), Sent(False)])


@pytest.mark.parametrize("in_time", [True, False])
def test_a_commit_is_waited_for_with_a_limit(in_time: bool) -> None:
    woken, waited = threading.Event(), []

    def wait(timeout_ms: int) -> bool:
        assert woken.is_set(), "the sender is woken before anybody waits for it"
        waited.append(timeout_ms)
        return in_time

    stand_in = SimpleNamespace(
        _transaction_manager=SimpleNamespace(begin_commit=lambda: SimpleNamespace(wait=wait)),
        _sender=SimpleNamespace(wakeup=woken.set),
    )
    if in_time:
        commit_within(stand_in, 1.5)
    else:
        with pytest.raises(Unavailable, match="in time"):
            commit_within(stand_in, 1.5)
    assert waited == [1500]


def test_a_commit_ends_in_time_where_the_coordinators_port_is_closed(
    broker: Broker, new_topic: Callable[[str], str]
) -> None:
    name = new_topic("closed")
    ensure_topic((broker.address,), name, 2)
    points = ProducerPoints(after_flush=broker.kill)
    with producer(broker.address, name, IMPATIENT, points=points) as one:
        send(one, b"1")
        with pytest.raises(Unavailable):
            one.commit()
    broker.start()
    with producer(broker.address, name) as two:
        send(two, b"2")
        two.commit()
    assert values(broker.address, name) == [b"2"]


def test_a_record_that_the_topic_would_refuse_is_not_sent() -> None:
    headers = [("ce_position", b"77")]
    fits = 10_000 - RECORD_OVERHEAD_BYTES - len(b"key") - len("ce_position") - len(b"77")
    check_size(b"key", bytes(fits), headers, 10_000)
    with pytest.raises(Broken, match=r"at position 77 .*max\.message\.bytes"):
        check_size(b"key", bytes(fits + 1), headers, 10_000)
