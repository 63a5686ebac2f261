"""Given the real views, when a process projects them: rows, generations, faults of databases."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Engine, make_url

from consumers.projecting import Feeds, Log, Projecting, store_feeds
from consumers.rebuilding import Rebuild
from consumers.runtime import Limits
from projections import generations
from projections.connecting import views_engine
from projections.registry import VIEWS
from projections.timeline import TIMELINE
from projections.view import View
from tests import plain
from tests.counting import COUNTING
from tests.feeding import World, until, world
from tests.following import actual, expected, history, settled
from tests.recorded import registered


@pytest.fixture
def there(new_database: Callable[[str], str], tmp_path: Path) -> Iterator[World]:
    with world(new_database, tmp_path) as made:
        yield made


@contextmanager
def projecting(
    there: World,
    views: Sequence[View] = VIEWS,
    *,
    engine: Engine | None = None,
    feeds: Feeds | None = None,
) -> Iterator[Projecting]:
    info = there.history.info
    running = Projecting(
        views,
        engine or there.engine,
        Log(info.epoch, info.partitions),
        feeds or store_feeds(there.history, there.watch, there.engine),
        limits=Limits(50, 0.2),
    )
    running.start()
    try:
        yield running
    finally:
        running.stop()


def test_the_real_views_hold_what_the_log_says(there: World) -> None:
    with projecting(there):
        there.append(*history(400))
        there.append(*history(200))
        for view in VIEWS:
            settled(there, view=view)
    log = there.log()
    for view in VIEWS:
        assert actual(there, view) == expected(view, log)
    (table,) = (kind.table for kind in TIMELINE.kinds)
    names = table.columns.keys()
    lines = {
        (row["subject"], row["position"]): (row["type"], row["data"])
        for values in actual(there, TIMELINE)[table.name].values()
        for row in [dict(zip(names, values, strict=True))]
    }
    assert lines == plain.timeline(log)


def test_connections_that_are_cut_again_and_again_cost_no_view_anything(there: World) -> None:
    with projecting(there) as running:
        until(lambda: {_active(there, view) for view in VIEWS} == {1}, "all have a generation")
        for _ in range(6):
            there.append_surely(*history(60))
            there.cut("")
        for view in VIEWS:
            settled(there, view=view)
            assert actual(there, view) == expected(view, there.log())
        until(lambda: {h.state for h in running.health()} == {"fresh"}, "all are fresh")


def _active(world: World, view: View) -> int | None:
    with world.engine.connect() as connection:
        return generations.active(connection, view.name)


def test_a_views_database_that_is_not_there_yet_is_waited_for(
    there: World, new_database: Callable[[str], str]
) -> None:
    missing = views_engine(
        make_url(new_database("none")).set(database="nowhere").render_as_string(hide_password=False)
    )
    with projecting(there, [COUNTING], engine=missing) as running:
        until(lambda: running.health()[0].error == "unavailable", "it says so")
        (one,) = running.health()
        assert (one.generation, one.state) == (0, "pending")
    missing.dispose()


def test_a_paused_view_holds_up_no_other(there: World) -> None:
    with projecting(there, [COUNTING, TIMELINE]) as running:
        there.append(*history(50))
        settled(there)
        settled(there, view=TIMELINE)
        running.pause("counting")
        there.append(registered("ann"))
        settled(there, view=TIMELINE)
        (paused,) = (h for h in running.health() if h.view == "counting")
        assert (paused.state, paused.paused) == ("pending", True)
        running.resume("counting")
        settled(there)


def test_a_dropped_generation_disappears_from_health(there: World) -> None:
    with projecting(there, [COUNTING]) as running:
        there.append(*history(50))
        settled(there)
        Rebuild(COUNTING, there.engine, there.history, there.watch).run()
        until(
            lambda: [h.generation for h in running.health() if h.state == "fresh"] == [2],
            "only the new one is run",
        )
        generations.drop(there.engine, COUNTING, 1)
        there.append(*history(50))
        settled(there, 2)
        assert [h.generation for h in running.health()] == [2]


def test_two_programs_with_all_partitions_share_them_without_a_word(there: World) -> None:
    with projecting(there, [COUNTING]) as one, projecting(there, [COUNTING]) as other:
        there.append(*history(200))
        settled(there)
        owned = [h.partitions for p in (one, other) for h in p.health()]
        assert not owned[0] & owned[1]
        there.append(*history(100))
        settled(there)
    assert actual(there, COUNTING) == expected(COUNTING, there.log())
