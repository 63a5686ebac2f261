"""The relay's own judgement, without a store and without Kafka: what must hold, and how it does."""

import pytest

from consumers.kafka_topics import Tail, last_records
from consumers.relay_checks import check_dense, check_tail
from consumers.relay_health import BEAT_SECONDS_MAX, RelayHealth
from schemas.errors import Broken, OtherEpoch, Unavailable
from tests.recorded import complaint, numbered


class Clock:
    """Goes when it is told to."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("tail", "saved"), [(Tail(), 0), (Tail(7, 42), 0), (Tail(7, 42), 7), (Tail(9, 42), 7)]
)
def test_it_goes_on_where_topic_store_and_row_agree(tail: Tail, saved: int) -> None:
    check_tail(tail, epoch=42, head=9, saved=saved)


def test_it_stops_where_they_cannot_all_be_right() -> None:
    with pytest.raises(OtherEpoch, match="another epoch"):
        check_tail(Tail(7, 41), epoch=42, head=9, saved=0)
    with pytest.raises(OtherEpoch, match=r"ahead of the store \(10 against 9\)"):
        check_tail(Tail(10, 42), epoch=42, head=9, saved=0)
    with pytest.raises(Broken, match=r"at position 7 and once held 8.*relay --refill"):
        check_tail(Tail(7, 42), epoch=42, head=9, saved=8)


def test_a_batch_follows_the_tail_without_a_gap() -> None:
    events = numbered([complaint("ann")] * 5)
    check_dense(events, 0)
    check_dense([], 7)
    for wrong in (events[1:], [*events[:2], *events[3:]], events[::-1]):
        with pytest.raises(Broken, match="positions are missing"):
            check_dense(wrong, 0)


def test_its_health_follows_its_life() -> None:
    clock = Clock()
    health = RelayHealth("events", clock=clock)
    assert (health.now().state, health.now().position) == ("starting", None)
    health.started(lambda: True)
    health.stands_by()
    assert health.now().state == "standby"
    health.took_over(7)
    assert (health.now().state, health.now().position) == ("active", 7)
    health.relayed(30, 37, caught_up=False)
    clock.now += 2
    health.relayed(10, 47, caught_up=True)
    now = health.now()
    assert (now.position, now.events, now.events_per_second) == (47, 40, 20)
    assert now.caught_up
    health.failed("Kafka did not do it (KafkaTimeoutError)")
    assert not health.now().caught_up
    assert health.now().error == "Kafka did not do it (KafkaTimeoutError)"
    clock.now += 3
    assert health.now().progressed_seconds_ago == 3
    health.took_over(47)
    assert health.now().error is None
    health.stopped("broken", "look at it")
    assert (health.now().state, health.now().advice) == ("stopped", "look at it")


def test_a_relay_whose_thread_is_dead_or_stuck_is_told_of() -> None:
    clock, alive = Clock(), True
    health = RelayHealth("events", clock=clock)
    health.started(lambda: alive)
    clock.now += BEAT_SECONDS_MAX + 1
    assert (health.now().state, health.now().reason) == ("stopped", "silent")
    health.beat()
    assert health.now().state == "starting"
    alive = False
    assert health.now().reason == "died"


class Stuck:
    """A consumer that is handed nothing."""

    def assign(self, partitions: list[str]) -> None: ...
    def seek(self, partition: str, offset: int) -> None: ...
    def pause(self, *partitions: str) -> None: ...

    def position(self, partition: str) -> int:
        del partition
        return 0

    def poll(self, timeout_ms: int) -> dict[str, list[object]]:
        del timeout_ms
        return {}


def test_an_end_that_cannot_be_read_is_not_waited_for_for_ever() -> None:
    with pytest.raises(Unavailable, match="in time"):
        last_records(Stuck(), {"p": 0}, {"p": 5}, until=0)
