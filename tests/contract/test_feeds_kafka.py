"""The Kafka feed keeps the contract of feeds, and finds its place whatever its hints say."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from consumers.kafka_feed import KafkaFeed
from schemas.errors import Broken, OtherEpoch, Unavailable
from tests.contract.feed_contract import (
    Bench,
    FeedContract,
    Stand,
    Told,
    complaints,
    drain,
)
from tests.feeding import until
from tests.kafka.broker import Broker
from tests.kafka.feeding import EPOCH, KafkaBench, kafka_bench
from tests.recorded import complaint, numbered


@pytest.fixture
def bench(kafka: str, new_topic: Callable[[str], str]) -> Iterator[KafkaBench]:
    with kafka_bench(kafka, new_topic("feed")) as made:
        yield made


class TestKafkaFeed(FeedContract):
    @pytest.fixture
    def bench(self, kafka: str, new_topic: Callable[[str], str]) -> Iterator[Bench]:
        with kafka_bench(kafka, new_topic("contract")) as made:
            yield made


def read_on(bench: KafkaBench, reader: Told) -> int:
    """A new feed reads on from where the reader stands; how many events came."""
    feed = bench.feed()
    feed.start(reader)
    try:
        return len(drain(feed, reader))
    finally:
        feed.close()


def filled(bench: KafkaBench) -> Told:
    """A reader that has taken 120 events, of several transactions and some that were aborted."""
    for _ in range(4):
        bench.append(complaints(30))
        bench.abort(complaints(20))
    reader = Told(bench)
    assert read_on(bench, reader) == 120
    return reader


def test_a_hint_is_the_offset_behind_the_last_event_and_nothing_comes_twice(
    bench: KafkaBench,
) -> None:
    reader = filled(bench)
    assert all(mark.hint is not None for mark in reader.marks.values() if mark.sequence)
    assert read_on(bench, reader) == 0
    bench.append(complaints(8))
    assert read_on(bench, reader) == 8


@pytest.mark.parametrize("hint", [None, "", "nonsense", "-1", "0", "1", "7", "99999999"])
def test_with_no_hint_or_a_wrong_one_it_goes_on_at_the_right_event(
    bench: KafkaBench, hint: str | None
) -> None:
    reader = filled(bench)
    reader.marks = {p: replace(mark, hint=hint) for p, mark in reader.marks.items()}
    assert read_on(bench, reader) == 0
    bench.append(complaints(8))
    reader.marks = {p: replace(mark, hint=hint) for p, mark in reader.marks.items()}
    assert read_on(bench, reader) == 8


def test_a_hint_that_skips_events_is_found_out_though_nothing_follows(bench: KafkaBench) -> None:
    reader = filled(bench)
    back = {p: replace(m, sequence=max(0, m.sequence - 3)) for p, m in reader.marks.items()}
    reader.marks = back  # their hints are now three events too far on, at the topic's end
    missing = sum(3 for mark in back.values() if mark.sequence)
    assert read_on(bench, reader) == missing


def test_a_view_that_is_ahead_of_the_topic_waits_for_it(bench: KafkaBench) -> None:
    bench.append(complaints(30))
    ahead = {p: Stand(EPOCH, 10_000) for p in range(bench.partitions)}
    assert read_on(bench, Told(bench, ahead)) == 0


def test_a_mark_of_another_epoch_is_refused(bench: KafkaBench) -> None:
    bench.append(complaints(30))
    for mark in (Stand(EPOCH + 1), Stand(EPOCH + 1, 3), Stand(EPOCH + 1, 3, "4")):
        feed = bench.feed()
        feed.start(Told(bench, dict.fromkeys(range(bench.partitions), mark)))
        with pytest.raises(OtherEpoch, match="another epoch"):
            _read_something(feed)
        feed.close()


def test_a_gap_is_handed_out_for_the_checkpoint_to_refuse(bench: KafkaBench) -> None:
    bench.append(complaints(3, ["ann"]))
    bench.producer.begin()
    bench.send([numbered([*bench.log(), complaint("ann"), complaint("ann")])[-1]])
    bench.producer.commit()
    feed, reader = bench.feed(), Told(bench)
    feed.start(reader)
    with pytest.raises(AssertionError, match="a gap"):
        drain(feed, reader)
    feed.close()


def test_a_record_of_nobodys_relay_stops_it(bench: KafkaBench) -> None:
    bench.producer.begin()
    bench.producer.send(0, b"key", b"hello", [])
    bench.producer.commit()
    feed = bench.feed()
    feed.start(Told(bench))
    with pytest.raises(Broken, match="no relay wrote"):
        _read_something(feed)
    feed.close()


def test_two_members_share_the_partitions_and_the_last_one_has_them_all(
    bench: KafkaBench,
) -> None:
    bench.append(complaints(60))
    readers = [Told(bench), Told(bench)]
    feeds = [bench.feed(), bench.feed()]
    feeds[0].start(readers[0])
    until(lambda: _turn(feeds[0], readers[0]) and len(readers[0].mine) == 3, "the first has all")
    feeds[1].start(readers[1])
    threads = [
        threading.Thread(target=_share_with, args=(feed, reader, readers))
        for feed, reader in zip(feeds, readers, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert readers[0].mine | readers[1].mine == set(range(3))
    assert not readers[0].mine & readers[1].mine
    feeds[1].close()
    assert not readers[1].mine
    until(lambda: _turn(feeds[0], readers[0]) and len(readers[0].mine) == 3, "it has all again")
    feeds[0].close()


def _turn(feed: KafkaFeed, reader: Told) -> bool:
    reader.take(feed.poll(100, 0))
    return True


def _share_with(feed: KafkaFeed, reader: Told, readers: list[Told]) -> None:
    until(
        lambda: _turn(feed, reader) and all(0 < len(one.mine) < 3 for one in readers),
        "both have some",
    )


def test_a_topic_that_is_not_there_yet_is_waited_for(
    bench: KafkaBench, new_topic: Callable[[str], str]
) -> None:
    feed = KafkaFeed(replace(bench.source, topic=new_topic("none")), "any")
    feed.start(Told(bench))
    with pytest.raises(Unavailable, match="backbone relay"):
        feed.poll(10, 0)
    feed.close()


def test_a_topic_with_another_partition_count_is_refused(bench: KafkaBench) -> None:
    feed = KafkaFeed(replace(bench.source, partitions=7), "any")
    feed.start(Told(bench))
    with pytest.raises(Broken, match="has 3 partitions and the store has 7"):
        feed.poll(10, 0)
    feed.close()


def test_a_reader_that_cannot_answer_is_asked_again(bench: KafkaBench) -> None:
    bench.append(complaints(30))
    reader, feed = Told(bench), bench.feed()
    answer, asked = reader.assigned, []

    def faulty(partitions: set[int]) -> object:
        asked.append(partitions)
        if len(asked) < 4:
            raise Unavailable("the views database is gone")
        return answer(partitions)

    reader.assigned = faulty  # type: ignore[method-assign,assignment]
    feed.start(reader)
    faults, seen = 0, 0
    while seen < 30:
        try:
            batch = feed.poll(100, 0)
        except Unavailable:
            faults += 1
            continue
        reader.take(batch)
        seen += len(batch.events)
    assert faults
    feed.close()


def test_a_broker_that_is_gone_is_a_fault_of_the_world_and_nothing_is_lost(
    broker: Broker, new_topic: Callable[[str], str]
) -> None:
    with kafka_bench(broker.address, new_topic("gone")) as bench:
        bench.append(complaints(30))
        feed, reader = bench.feed(), Told(bench)
        feed.start(reader)
        drain(feed, reader)
        broker.kill()
        with pytest.raises(Unavailable):
            _missed(feed)
        broker.start()
    with kafka_bench(broker.address, bench.topic) as again:
        again._log = bench.log()
        again.append(complaints(8))
        until(lambda: _turn(feed, reader) and _stands(reader) == 38, "it goes on", 60)
        feed.close()


def _read_something(feed: KafkaFeed) -> None:
    until(lambda: bool(feed.poll(10, 0).events), "something is read")


def _missed(feed: KafkaFeed) -> None:
    for _ in range(3):
        feed.poll(10, 1)


def _stands(reader: Told) -> int:
    return sum(mark.sequence for mark in reader.marks.values())
