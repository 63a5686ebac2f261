"""Given events and a PostgreSQL, when batches are taken over, then rows, totals, checkpoints."""

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Engine, select, text

from projections import generations, holding
from projections.checkpoints import Checkpoint, Gap, LostPartition, OtherFold
from projections.connecting import transaction, views_engine
from projections.tables import of_generation
from projections.view import View
from projections.writer import Writer
from schemas.envelope import Event
from schemas.errors import Broken, Unavailable
from tests.counting import COUNTING, by_name, seen, tallies
from tests.integration.views import EPOCH, stands, views_database
from tests.recorded import PARTITIONS, complaint, erased, numbered, purchase, registered, subject

START = {p: Checkpoint(p, EPOCH) for p in range(PARTITIONS)}


@pytest.fixture
def engine(new_database: Callable[[str], str]) -> Iterable[Engine]:
    with views_database(new_database("views"), [COUNTING]) as engine:
        yield engine


def rows(engine: Engine, table: Any, generation: int = 1) -> list[tuple[Any, ...]]:
    with engine.connect() as connection:
        found = connection.execute(select(of_generation(table, generation)))
        return sorted(tuple(row) for row in found)


def ann(*events: Event) -> list[Event]:
    return [event for event in events if event.subject == subject("ann")]


def test_rows_totals_and_checkpoint_move_together(engine: Engine) -> None:
    events = numbered([registered("ann"), purchase("ann", "4.50"), complaint("bob")])
    after = Writer(engine, COUNTING, 1).apply(events, START, {events[0].partition: "offset 3"})
    a, b = events[0].partition, events[2].partition
    assert rows(engine, tallies) == [
        (subject("ann"), a, 0, Decimal("4.50"), "~1.ann"),
        (subject("bob"), b, 1, Decimal(0), None),
    ]
    assert set(rows(engine, by_name)) == {
        (a, "named", 1, 0, Decimal("4.50")),
        (b, "nameless", 1, 1, Decimal(0)),
    }
    assert after == stands(engine, COUNTING)
    assert after[a].hint == "offset 3"
    assert sum(c.sequence for c in after.values()) == len(events)
    assert sum(c.digest for c in after.values()) == sum(e.event_id.int for e in events)


def test_events_at_or_below_the_checkpoint_change_nothing(engine: Engine) -> None:
    events = numbered([complaint("ann"), complaint("ann"), complaint("bob")])
    writer = Writer(engine, COUNTING, 1)
    once = writer.apply(events, START)
    before = rows(engine, tallies), rows(engine, seen), rows(engine, by_name)
    assert writer.apply([*events, *events], once) == once
    assert (rows(engine, tallies), rows(engine, seen), rows(engine, by_name)) == before


def test_a_hint_moves_without_events_and_alone(engine: Engine) -> None:
    after = Writer(engine, COUNTING, 1).apply([], START, {1: "offset 8"})
    assert after == stands(engine, COUNTING) == {**START, 1: Checkpoint(1, EPOCH, hint="offset 8")}


def test_a_row_that_counts_elsewhere_leaves_no_empty_total_behind(engine: Engine) -> None:
    events = numbered([complaint("ann"), registered("ann")])
    writer = Writer(engine, COUNTING, 1)
    writer.apply(events[1:], writer.apply(events[:1], START))
    assert rows(engine, by_name) == [(events[0].partition, "named", 1, 1, Decimal(0))]


def test_a_jump_in_the_sequence_stops_and_writes_nothing(engine: Engine) -> None:
    events = numbered([complaint("ann"), complaint("ann"), complaint("ann")])
    with pytest.raises(Gap) as caught:
        Writer(engine, COUNTING, 1).apply([events[0], events[2]], START)
    assert caught.value.numbers == {"partition": events[0].partition, "expected": 2, "found": 3}
    assert stands(engine, COUNTING) == START


@pytest.mark.parametrize(
    "other",
    [{"epoch": EPOCH + 1}, {"position": 5}, {"revision": 1}],
    ids=["epoch", "position", "revision"],
)
def test_a_worker_that_lost_its_partition_changes_nothing(
    engine: Engine, other: dict[str, int]
) -> None:
    events = numbered([complaint("ann")])
    p = events[0].partition
    with engine.begin() as connection:
        connection.execute(
            text(f"UPDATE checkpoints SET {next(iter(other))} = :v WHERE partition = :p"),
            {"v": next(iter(other.values())), "p": p},
        )
    with pytest.raises(LostPartition):
        Writer(engine, COUNTING, 1).apply(events, START)
    assert rows(engine, tallies) == []


def test_a_crash_before_the_commit_leaves_nothing_and_the_same_batch_goes_in_later(
    engine: Engine,
) -> None:
    def crash() -> None:
        raise ConnectionAbortedError

    first, second = numbered([complaint("ann"), registered("ann")])
    calm = Writer(engine, COUNTING, 1)
    after = calm.apply([first], START)
    with pytest.raises(ConnectionAbortedError):
        Writer(engine, COUNTING, 1, before_commit=crash).apply([second], after)
    assert stands(engine, COUNTING) == after
    assert rows(engine, tallies)[0][-1] is None
    calm.apply([second], after)
    assert rows(engine, tallies)[0][-1] == "~1.ann"


def test_another_fold_version_is_refused(engine: Engine) -> None:
    newer = View("counting", 2, COUNTING.kinds)
    with pytest.raises(OtherFold):
        Writer(engine, newer, 1).apply(numbered([complaint("ann")]), START)


def test_a_generation_that_was_dropped_is_a_lost_partition(engine: Engine) -> None:
    generations.create(engine, COUNTING, partitions=PARTITIONS, epoch=EPOCH)
    generations.drop(engine, COUNTING, 2)
    with pytest.raises(LostPartition):
        Writer(engine, COUNTING, 2).apply(numbered([complaint("ann")]), START)


def test_a_fold_that_fails_holds_its_subject_and_no_other(engine: Engine) -> None:
    events = numbered(
        [complaint("ann"), purchase("ann", channel="broken"), complaint("ann"), complaint("bob")]
    )
    writer = Writer(engine, COUNTING, 1)
    after = writer.apply(events, START)
    more = numbered([*events, complaint("ann"), complaint("bob")])[len(events) :]
    writer.apply(more, after)
    assert [(row[0], row[2]) for row in rows(engine, tallies)] == [
        (subject("ann"), 1),
        (subject("bob"), 2),
    ]
    with engine.connect() as connection:
        (hold,) = holding.read(connection, "counting", 1)
    assert (hold.subject, hold.event_id, hold.events) == (subject("ann"), events[1].event_id, 3)
    assert hold.since_position == 2
    assert hold.cause.startswith("KeyError at counting.py:")
    assert sum(c.sequence for c in stands(engine, COUNTING).values()) == len(events) + len(more)


def test_a_held_subject_is_erased_at_once(engine: Engine) -> None:
    events = numbered(
        [registered("ann"), purchase("ann"), purchase("ann", channel="broken"), erased("ann")]
    )
    writer = Writer(engine, COUNTING, 1)
    writer.apply(events[3:], writer.apply(events[:3], START))
    assert rows(engine, tallies)[0][-1] is None
    assert rows(engine, by_name)[0][1] == "nameless"


def test_a_repair_lets_go_of_the_hold_and_folds_the_subject_anew(engine: Engine) -> None:
    broken = purchase("ann", "3.00", channel="broken")
    events = numbered([registered("ann"), broken, purchase("ann", "1.00"), complaint("bob")])
    writer = Writer(engine, COUNTING, 1)
    after = writer.apply(events, START)
    p = events[0].partition
    mended = [
        e._replace(data=e.data | {"channel": "web"}) if e is events[1] else e for e in ann(*events)
    ]
    later = numbered([*events, purchase("ann", "100.00")])[-1]
    repaired = writer.repair(
        subject("ann"), p, [*mended, later], epoch=EPOCH, read_to=after[p].sequence + 1
    )
    assert repaired.revision == after[p].revision + 1
    assert rows(engine, tallies)[0] == (subject("ann"), p, 0, Decimal("4.00"), "~1.ann")
    assert (p, "named", 1, 0, Decimal("4.00")) in rows(engine, by_name)
    with engine.connect() as connection:
        assert holding.read(connection, "counting", 1) == []
    with pytest.raises(LostPartition):
        writer.apply([later], after)
    writer.apply([later], {**after, p: repaired})
    assert rows(engine, tallies)[0][3] == Decimal("104.00")


def test_a_repair_that_fails_again_holds_the_subject_where_it_failed(engine: Engine) -> None:
    broken = purchase("ann", channel="broken")
    events = numbered([broken, complaint("ann"), complaint("ann")])
    writer = Writer(engine, COUNTING, 1)
    writer.apply(events, START)
    p = events[0].partition
    first = events[0]._replace(data=events[0].data | {"channel": "web"})
    second = events[1]._replace(type="purchase.made", data=broken.data)
    writer.repair(subject("ann"), p, [first, second, events[2]], epoch=EPOCH, read_to=3)
    with engine.connect() as connection:
        (hold,) = holding.read(connection, "counting", 1)
    assert (hold.since_sequence, hold.event_id, hold.events) == (2, second.event_id, 2)
    assert rows(engine, tallies)[0][3] == Decimal("10.00")


def test_a_repair_with_a_history_that_is_too_old_is_to_be_tried_again(engine: Engine) -> None:
    events = numbered([complaint("ann"), complaint("ann")])
    writer = Writer(engine, COUNTING, 1)
    writer.apply(events, START)
    with pytest.raises(Unavailable):
        writer.repair(subject("ann"), events[0].partition, events[:1], epoch=EPOCH, read_to=1)


@pytest.mark.parametrize("name", ["NUL \0 inside", 17], ids=["refused value", "other type"])
def test_a_value_that_no_table_takes_holds_its_subject_and_no_other(
    engine: Engine, name: object
) -> None:
    bad = registered("ann", name_family=name)
    events = numbered(
        [*(complaint("bob") for _ in range(9)), complaint("ann"), bad, complaint("cem"), bad]
    )
    Writer(engine, COUNTING, 1).apply(events, START)
    assert [(row[0], row[2]) for row in rows(engine, tallies)] == [
        (subject("ann"), 1),
        (subject("bob"), 9),
        (subject("cem"), 1),
    ]
    with engine.connect() as connection:
        (hold,) = holding.read(connection, "counting", 1)
    assert (hold.event_id, hold.cause, hold.events) == (events[10].event_id, "unstorable", 2)


def _insert_twice(engine: Engine) -> None:
    with transaction(engine) as connection:
        for _ in range(2):
            connection.execute(
                text("INSERT INTO counting_g1 VALUES ('s', 0, 0, 0, '+32 470 12 34 56')")
            )


def test_a_database_error_never_carries_the_row(engine: Engine) -> None:
    with pytest.raises(Broken) as caught:
        _insert_twice(engine)
    assert caught.value.numbers == {"sqlstate": "23505"}
    assert "470" not in repr(caught.value)
    assert caught.value.__cause__ is None


def test_where_all_connections_are_in_use_the_same_may_succeed_later(engine: Engine) -> None:
    url = engine.url.render_as_string(hide_password=False)
    narrow = views_engine(url, connections_max=1, wait_seconds=0.05)
    with transaction(narrow), pytest.raises(Unavailable, match="in use"), transaction(narrow):
        pass
    narrow.dispose()
