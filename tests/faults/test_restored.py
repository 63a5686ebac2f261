"""Given readers that are ahead of a store that was restored from an older backup, when they run,
then they stop and say so, and the views stay what they were."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from tests.faults.checks import World, check_views
from tests.faults.load import Client
from tests.faults.running import Programs, Running
from tests.feeding import until
from tests.stores import ask, restored_copy

EVENTS = 40
NewDatabase = Callable[[str], str]


def at_rest(reader: Running) -> Iterator[dict[str, Any]]:
    """How its projectors do, once they have stopped or reached the head."""
    health: dict[str, dict[str, Any]] = {}

    def rests() -> bool:
        health.update(reader.health())
        return all(one["state"] in ("stopped", "fresh") for one in health.values())

    until(rests, "its projectors have stopped or reached the head")
    yield from health.values()


def restored(there: World, start: Programs, new_database: NewDatabase) -> str:
    """The URL of an older backup of the store; the views have gone on since."""
    client = Client(seed=5)
    program = start(there.orders)
    assert client.send(program, *(client.event() for _ in range(EVENTS)))
    assert program.stop() == 0
    backup = restored_copy(there.orders.store, new_database)
    program = start(there.orders)
    assert client.send(program, *(client.event() for _ in range(EVENTS)))
    there.settled()
    assert program.stop() == 0
    return backup


def overtaken(there: World, backup: str) -> bool:
    """Whether the restored store has more events in every partition than the views have seen."""
    heads = dict(ask(backup, "SELECT partition, max(sequence) FROM events GROUP BY partition"))
    return all(heads.get(p, 0) > seen for p, seen in there.stands("profile").items())


def readers_meet_it(there: World, start: Programs, backup: str) -> list[dict[str, Any]]:
    """How readers do whose store was restored, and has new events where others were."""
    before = there.log()
    other = Client(seed=6)
    orders = replace(there.orders, store=backup)
    door = start(replace(orders, projects=()))
    while not overtaken(there, backup):
        assert other.send(door, *(other.event("complaint.made") for _ in range(EVENTS)))
    said = list(at_rest(start(replace(orders, door=False))))
    check_views(there, before)
    return said


def test_readers_see_another_epoch_stop_and_say_so(
    there: World, start: Programs, new_database: NewDatabase
) -> None:
    backup = restored(there, start, new_database)
    ask(backup, "UPDATE store_info SET epoch = epoch + 1")
    for one in readers_meet_it(there, start, backup):
        assert (one["state"], one["reason"], one["events"]) == ("stopped", "other-epoch", 0)
        assert "another epoch of the store: rebuild it" in one["advice"]


def test_readers_that_run_meanwhile_stop_too(there: World, start: Programs) -> None:
    client = Client(seed=7)
    program = start(there.orders)
    assert client.send(program, *(client.event() for _ in range(EVENTS)))
    there.settled()
    ask(there.orders.store, "UPDATE store_info SET epoch = epoch + 1")
    until(
        lambda: all(one["reason"] == "other-epoch" for one in program.health().values()),
        "its projectors have stopped",
    )
    check_views(there, there.log())


def test_readers_that_are_ahead_stop_even_if_nobody_told_the_store(
    there: World, start: Programs, new_database: NewDatabase
) -> None:
    backup = restored(there, start, new_database)
    reader = start(replace(there.orders, store=backup, door=False))
    for one in at_rest(reader):
        assert one["reason"] == "other-epoch"
        assert "ahead of the store: run `backbone store restored`" in one["advice"]
    check_views(there, there.log())


def test_sabotage_without_a_new_epoch_two_logs_are_mixed(
    there: World, start: Programs, new_database: NewDatabase
) -> None:
    backup = restored(there, start, new_database)
    with pytest.raises(AssertionError, match="is not the log's"):
        readers_meet_it(there, start, backup)
