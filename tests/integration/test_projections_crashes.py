"""Any delivery, crash point and zombie leaves the tables that the plain computation gives.

Its sabotage twin takes the compare-and-set out and breaks the same invariant.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from projections.checkpoints import LostPartition, advance
from projections.profile import PROFILE
from projections.registry import VIEWS
from projections.view import View
from projections.writer import Writer
from schemas.envelope import Event
from tests.counting import COUNTING, SEEN, TALLIES, Tally
from tests.histories import deliveries, histories
from tests.integration.views import (
    EPOCH,
    by_key,
    emptied,
    folded,
    held,
    stands,
    views_database,
)
from tests.recorded import complaint, numbered

EXAMPLES = settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


class Crash(Exception):
    """The process is gone, just before its commit."""


def crash() -> None:
    raise Crash


@pytest.fixture
def engine(new_database: Callable[[str], str]) -> Iterator[Engine]:
    with views_database(new_database("views"), [*VIEWS, COUNTING]) as engine:
        yield engine


def check(engine: Engine, view: View, log: list[Event]) -> None:
    """The invariant: rows are the fold of the log, totals the sum of what the rows count for."""
    expected = folded(view, log)
    for name, records in by_key(engine, view).items():
        assert records == expected[name], f"{name} is not the fold of the log"


def deliver(engine: Engine, view: View, batches: list[list[Event]], chance: Random) -> None:
    """Hand batches over while processes crash before their commit and zombies write again."""
    known = stands(engine, view)
    for batch in batches:
        new, _ = advance(batch, known)
        if new and chance.random() < 0.5:
            with pytest.raises(Crash):
                Writer(engine, view, 1, before_commit=crash).apply(batch, known)
        after = Writer(engine, view, 1).apply(batch, known)
        if new and chance.random() < 0.5:
            with pytest.raises(LostPartition):
                Writer(engine, view, 1).apply(batch, known)
        known = after


@EXAMPLES
@given(data=st.data())
def test_no_crash_and_no_zombie_changes_what_the_tables_hold(
    engine: Engine, data: st.DataObject
) -> None:
    log = data.draw(histories())
    batches = data.draw(deliveries(log))
    chance = Random(data.draw(st.integers(0, 2**32)))
    for view in VIEWS:
        emptied(engine, view)
        deliver(engine, view, batches, chance)
        check(engine, view, log)


@EXAMPLES
@given(data=st.data())
def test_a_repair_of_anybody_at_any_moment_changes_nothing(
    engine: Engine, data: st.DataObject
) -> None:
    log = data.draw(histories())
    batches = data.draw(deliveries(log))
    subjects = sorted({event.subject for event in log})
    emptied(engine, PROFILE)
    writer = Writer(engine, PROFILE, 1)
    known = stands(engine, PROFILE)
    for batch in batches:
        known = writer.apply(batch, known)
        subject = data.draw(st.sampled_from(subjects))
        history = [event for event in log if event.subject == subject]
        partition = history[0].partition
        known[partition] = writer.repair(subject, partition, history, epoch=EPOCH, read_to=len(log))
    check(engine, PROFILE, log)


def _mended(row: Tally | None, event: Event) -> Tally | None:
    if event.data.get("channel") == "broken":
        event = event._replace(data=event.data | {"channel": "web"})
    return TALLIES.fold(row, event)


MENDED = View("counting", 1, (replace(TALLIES, fold=_mended), SEEN))
"""The release that can fold what the one before could not."""


def _faulty(event: Event) -> Event:
    faulty = event.data.get("channel") == "in_person"
    return event._replace(data=event.data | {"channel": "broken"}) if faulty else event


@EXAMPLES
@given(data=st.data())
def test_held_subjects_erased_meanwhile_or_not_come_out_like_a_rebuild(
    engine: Engine, data: st.DataObject
) -> None:
    log = [_faulty(event) for event in data.draw(histories())]
    emptied(engine, COUNTING)
    chance = Random(data.draw(st.integers(0, 2**32)))
    deliver(engine, COUNTING, data.draw(deliveries(log)), chance)
    assert set(held(engine, COUNTING)) == {
        event.subject
        for event in log
        if event.type == "purchase.made" and event.data["channel"] == "broken"
    }
    for subject in held(engine, COUNTING):
        history = [event for event in log if event.subject == subject]
        Writer(engine, MENDED, 1).repair(
            subject, history[0].partition, history, epoch=EPOCH, read_to=len(log)
        )
    assert held(engine, COUNTING) == []
    check(engine, MENDED, log)


def test_sabotage_without_the_compare_and_set_a_zombie_counts_twice(engine: Engine) -> None:
    log = numbered([complaint("ann"), complaint("bob")])
    known = stands(engine, PROFILE)
    Writer(engine, PROFILE, 1).apply(log, known)
    check(engine, PROFILE, log)
    Writer(engine, PROFILE, 1, guarded=False).apply(log, known)
    with pytest.raises(AssertionError, match="profile is not the fold of the log"):
        check(engine, PROFILE, log)
