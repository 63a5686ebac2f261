"""Given a store and its topic, when they are held against each other, then what is missing, doubled
or foreign is named, each in its partition."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from kafka import TopicPartition

from consumers import kafka_verifying
from consumers.kafka_producer import KafkaTransactions, fencing_producer
from consumers.kafka_topics import ensure_topic, read_tail
from consumers.kafka_verifying import verify_topic
from consumers.rebuilding import ignore
from consumers.verifying import Difference, Verified
from schemas.envelope import Event
from schemas.errors import Broken, Unavailable
from schemas.records import to_binary
from tests.kafka.broker import Broker
from tests.kafka.relaying import Line, line
from tests.kafka.test_relay import fill
from tests.kafka.writing import admin, make_topic, write, writer
from tests.recorded import complaint


def verify(there: Line) -> Verified:
    """The topic, and progress that ends where it should."""
    told = [(0, 0)]
    found = verify_topic(
        (there.address,), there.topic, there.world.history, lambda *at: told.append(at)
    )
    assert found.name == f"topic {there.topic}"
    assert told == sorted(told)
    assert told[-1][0] == told[-1][1]
    return found


def settle(there: Line) -> None:
    """Wait until what was committed can be read, which is a moment later."""
    read_tail((there.address,), there.topic, there.partitions)


@contextmanager
def writing(there: Line) -> Iterator[KafkaTransactions]:
    """A transaction of a writer like the relay; what it sent is there when it ends."""
    largest = ensure_topic((there.address,), there.topic, there.partitions)
    producer = fencing_producer((there.address,), there.topic, f"by hand {there.topic}", largest)
    try:
        producer.begin()
        yield producer
        producer.commit()
        settle(there)
    finally:
        producer.close()


def send(there: Line, producer: KafkaTransactions, event: Event, epoch: int = 0) -> None:
    """The event as a relay would send it, of this store's epoch or one so much later."""
    headers, body = to_binary(event, there.world.history.info.epoch + epoch)
    producer.send(event.partition, event.subject.encode(), body, headers)


def by_partition(there: Line) -> list[list[Event]]:
    """The log, in order within each partition."""
    log = there.world.log()
    return [[e for e in log if e.partition == number] for number in range(there.partitions)]


def relayed(there: Line, events: int) -> None:
    """A topic with all that the store has."""
    fill(there.world, events)
    relay = there.relay()
    there.settled(relay)
    relay.stop()
    settle(there)


@pytest.mark.parametrize("ids", [1, 7, 5_000])
def test_a_topic_with_all_that_the_store_has(
    there: Line, ids: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kafka_verifying, "READ_IDS_MAX", ids)
    relayed(there, 200)
    assert verify(there) == Verified(f"topic {there.topic}", 200, 0, ())


def test_to_be_behind_is_no_difference(there: Line) -> None:
    fill(there.world, 20)
    assert verify(there) == Verified(f"topic {there.topic}", 0, 20, ())  # there is none yet
    relayed(there, 80)
    fill(there.world, 30)
    assert verify(there) == Verified(f"topic {there.topic}", 100, 30, ())


def test_what_is_missing_doubled_foreign_or_another_is_named_in_its_partition(there: Line) -> None:
    fill(there.world, 200)
    lacking, doubled, foreign, other = by_partition(there)
    with writing(there) as producer:
        for event in [*lacking[:4], *lacking[6:], *doubled[:3], *doubled[1:], *foreign[:2]]:
            send(there, producer, event)
        producer.send(2, b"key", b"hello", [])
        for event in [*foreign[2:], *other[:7], other[7]._replace(event_id=other[6].event_id)]:
            send(there, producer, event)
    assert verify(there).differences == (
        Difference(0, "missing", 5, 6),
        Difference(1, "doubled", 2, 2),
        Difference(2, "foreign", 3, 3),
        Difference(3, "other-event", 8, 8),
    )


def test_events_of_another_epoch_and_ones_that_the_store_lacks(there: Line) -> None:
    fill(there.world, 100)
    first, second, third, _ = by_partition(there)
    beyond = second[-1]._replace(sequence=len(second) + 1)
    with writing(there) as producer:
        for event in [*first[:3], *second, beyond, *third]:
            send(there, producer, event)
        send(there, producer, first[3], epoch=1)
        send(there, producer, complaint("ann")._replace(partition=3))  # its sequence is 0
    found = verify(there)
    assert found.differences == (
        Difference(0, "other-epoch", 4, 4),
        Difference(1, "unknown", len(second) + 1, len(second) + 1),
        Difference(3, "foreign", 1, 1),
    )
    assert found.behind == 0, "partition 2 has all of its events"


def test_a_topic_that_forgot_its_beginning(there: Line) -> None:
    relayed(there, 100)
    with admin(there.address) as client:
        client.delete_records({TopicPartition(there.topic, 0): 5})
    assert verify(there).differences == (Difference(0, "missing", 1, 5),)


def test_what_was_taken_back_is_not_seen(there: Line) -> None:
    relayed(there, 40)
    with writer(there.address, "somebody") as producer:
        producer.begin_transaction()
        write(producer, there.topic, 0, 1, there.world.history.info.epoch)
        producer.abort_transaction()
    assert verify(there) == Verified(f"topic {there.topic}", 40, 0, ())


def test_a_topic_with_another_partition_count_is_another_stores(there: Line) -> None:
    make_topic(there.address, there.topic, 3)
    with pytest.raises(Broken, match="has 3 partitions and the store has 4"):
        verify(there)


def test_no_kafka_there(there: Line) -> None:
    with pytest.raises(Unavailable):
        verify_topic(("127.0.0.1:1",), there.topic, there.world.history, ignore)


def test_a_kafka_that_dies_meanwhile(
    broker: Broker,
    new_database: Callable[[str], str],
    new_topic: Callable[[str], str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(kafka_verifying, "SILENT_SECONDS_MAX", 1.0)
    with line(new_database, tmp_path, broker.address, new_topic("dying")) as there:
        relayed(there, 100)
        with pytest.raises(Unavailable, match="sends nothing"):
            verify_topic(
                (broker.address,), there.topic, there.world.history, lambda *_: broker.kill()
            )
