"""Given a sequence alone, the place behind it is found among marks and what was taken back."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from consumers.kafka_client import asking_kafka
from consumers.kafka_place import places_behind, scout
from consumers.kafka_records import Stamp, stamp
from schemas.errors import Broken, OtherEpoch, Unavailable
from tests.kafka.feeding import EPOCH, KafkaBench, kafka_bench
from tests.kafka.reading import read_topic
from tests.kafka.writing import admin
from tests.recorded import PARTITIONS, complaint

NAMES = [f"n{number}" for number in range(9)]


@pytest.fixture
def bench(kafka: str, new_topic: Callable[[str], str]) -> Iterator[KafkaBench]:
    with kafka_bench(kafka, new_topic("place")) as made:
        yield made


def fill(bench: KafkaBench) -> None:
    """Transactions of one event and of many, and ones that were taken back between them."""
    for size in (1, 1, 40, 2, 1, 17):
        bench.abort([complaint(NAMES[n % 9]) for n in range(2 * size)])
        bench.append([complaint(NAMES[n % 9]) for n in range(size)])
    bench.abort([complaint(name) for name in NAMES])


def found(bench: KafkaBench, sequence: int, epoch: int = EPOCH, seconds: float = 20) -> list[int]:
    """The offset for each partition."""
    known = {bench.source.place(p): Stamp(epoch, sequence) for p in range(PARTITIONS)}
    with closing(scout(bench.addresses)) as consumer, asking_kafka():
        places = places_behind(consumer, known, time.monotonic() + seconds)
    return [places[bench.source.place(p)] for p in range(PARTITIONS)]


def test_behind_every_sequence_comes_the_next_event_and_none_before_it(bench: KafkaBench) -> None:
    fill(bench)
    records = read_topic(bench.addresses[0], bench.topic, PARTITIONS)
    longest = max(stamp(record).sequence for record in records)
    for sequence in range(longest + 3):
        for partition, offset in enumerate(found(bench, sequence)):
            mine = [record for record in records if record.partition == partition]
            for record in mine:
                assert (record.offset >= offset) == (stamp(record).sequence > sequence)


def test_an_empty_topic_is_read_from_its_start(bench: KafkaBench) -> None:
    assert found(bench, 5) == [0, 0, 0]


def test_what_was_deleted_at_the_start_is_not_looked_for(bench: KafkaBench) -> None:
    fill(bench)
    with admin(bench.addresses[0]) as client:
        client.delete_records({bench.source.place(p): 12 for p in range(PARTITIONS)})
    assert found(bench, 0) == [12, 12, 12]


def test_events_of_another_epoch_are_refused(bench: KafkaBench) -> None:
    fill(bench)
    with pytest.raises(OtherEpoch):
        found(bench, 5, EPOCH + 1)


def test_a_record_that_no_relay_wrote_is_refused(bench: KafkaBench) -> None:
    bench.producer.begin()
    bench.producer.send(1, b"key", b"hello", [])
    bench.producer.commit()
    with pytest.raises(Broken, match="in partition 1 at 0"):
        found(bench, 5)


def test_it_gives_up_in_time(bench: KafkaBench) -> None:
    fill(bench)
    with pytest.raises(Unavailable, match="in time"):
        found(bench, 5, seconds=-1)
