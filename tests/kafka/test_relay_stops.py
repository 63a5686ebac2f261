"""Given what only a person can decide, when the relay sees it, then it stops, says what to do, and
has written nothing."""

from typing import Any

from consumers.relay_health import RelayState
from store.relayed import Relayed
from tests.kafka.relaying import Line
from tests.kafka.test_relay import fill
from tests.kafka.writing import delete_topic, make_topic, write, writer
from tests.stores import ask


def filled(there: Line, events: int = 30) -> None:
    """A topic that holds what the store holds."""
    fill(there.world, events)
    relay = there.relay()
    there.settled(relay)
    relay.stop()


def stops(there: Line, **changes: Any) -> RelayState:
    """It stops by itself, and has sent nothing."""
    found = there.stopped(there.relay(**changes))
    assert found.events == 0
    assert found.advice is not None
    return found


def test_another_partition_count(there: Line) -> None:
    make_topic(there.address, there.topic, 3)
    found = stops(there)
    assert found.reason == "broken"
    assert found.advice is not None
    assert "has 3 partitions and the store has 4" in found.advice


def test_a_topic_that_was_made_anew_is_filled_only_when_somebody_says_so(there: Line) -> None:
    filled(there)
    delete_topic(there.address, there.topic)
    found = stops(there)
    assert found.advice is not None
    assert "ends at position 0 and once held 30" in found.advice
    assert "backbone relay --refill" in found.advice
    again = there.relay(refill=True)
    fill(there.world, 10)
    assert there.settled(again).events == 40
    again.stop()
    there.settled(there.relay())  # without saying it again
    assert there.check() == 40


def test_refilling_goes_on_where_the_topic_ends(there: Line) -> None:
    filled(there)
    there.relayed.save(there.world.history.info.epoch, 1000)  # it once held more, it seems
    fill(there.world, 10)
    assert "once held 1000" in str(stops(there).advice)
    assert there.settled(there.relay(refill=True)).events == 10
    assert there.check() == 40


def test_a_store_of_another_epoch(there: Line) -> None:
    filled(there)
    ask(there.world.store_url, "UPDATE store_info SET epoch = epoch + 1")
    fill(there.world, 10)
    for refill in (False, True):
        found = stops(there, refill=refill)
        assert found.reason == "other-epoch"
        assert "another epoch" in str(found.advice)


def test_a_store_that_is_restored_while_it_runs(there: Line) -> None:
    fill(there.world, 10)
    relay = there.relay()
    there.settled(relay)
    ask(there.world.store_url, "UPDATE store_info SET epoch = epoch + 1")
    fill(there.world, 10)
    found = there.stopped(relay)
    assert (found.reason, found.events) == ("other-epoch", 10)


def test_a_store_that_is_behind_the_topic(there: Line) -> None:
    filled(there)
    ask(there.world.store_url, "DELETE FROM events WHERE position > 20")
    found = stops(there)
    assert found.reason == "other-epoch"
    assert "ahead of the store (30 against 20)" in str(found.advice)


def test_the_saved_position_of_an_epoch_that_is_over_says_nothing(there: Line) -> None:
    there.relayed.save(there.world.history.info.epoch + 1, 1000)
    filled(there)
    assert there.check() == 30
    saved = there.relayed.read()
    assert saved is None or saved.epoch != there.world.history.info.epoch or saved.position <= 30


def test_a_hole_in_the_stores_positions(there: Line) -> None:
    fill(there.world, 30)
    ask(there.world.store_url, "DELETE FROM events WHERE position = 20")
    assert "positions are missing in the store behind 0" in str(stops(there).advice)


def test_an_event_that_is_larger_than_the_topic_takes(there: Line) -> None:
    make_topic(there.address, there.topic, 4, max_message_bytes="1500")
    fill(there.world, 3)
    found = stops(there)
    assert "the event at position 1" in str(found.advice)
    assert "max.message.bytes" in str(found.advice)


def test_a_topic_that_somebody_else_writes_to(there: Line) -> None:
    filled(there)
    with writer(there.address, "somebody") as producer:
        producer.begin_transaction()
        producer.send(there.topic, b"hello", key=b"world", partition=0)
        producer.commit_transaction()
    assert "only the relay may write there" in str(stops(there).advice)


def test_a_topic_of_another_store(there: Line) -> None:
    make_topic(there.address, there.topic, 4)
    with writer(there.address, "another") as producer:
        producer.begin_transaction()
        write(producer, there.topic, 0, 1, there.world.history.info.epoch + 1)
        producer.commit_transaction()
    assert stops(there).reason == "other-epoch"


def test_the_row_never_goes_back_by_itself(there: Line) -> None:
    row = Relayed(there.pool, "another topic")
    for epoch, position, expected in [(1, 5, (1, 5)), (1, 3, (1, 5)), (1, 9, (1, 9))]:
        row.save(epoch, position)
        saved = row.read()
        assert saved is not None
        assert (saved.epoch, saved.position) == expected
    row.save(2, 1)
    row.save(2, 0, lower=True)
    saved = row.read()
    assert saved is not None
    assert (saved.epoch, saved.position) == (2, 0)
