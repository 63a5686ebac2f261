"""Given the real views, when a process projects them: rows, generations, faults of databases."""

from collections.abc import Callable

from sqlalchemy import make_url

from consumers.rebuilding import Rebuild
from projections import generations
from projections.connecting import views_engine
from projections.registry import VIEWS
from projections.timeline import TIMELINE
from projections.view import View
from tests import plain
from tests.counting import COUNTING
from tests.feeding import World, until
from tests.following import history, projecting, settled
from tests.integration.views import by_key, folded
from tests.recorded import registered


def test_the_real_views_hold_what_the_log_says(there: World) -> None:
    with projecting(there, VIEWS):
        there.append(*history(400))
        there.append(*history(200))
        for view in VIEWS:
            settled(there, view=view)
    log = there.log()
    for view in VIEWS:
        assert by_key(there.engine, view) == folded(view, log)
    (table,) = (kind.table for kind in TIMELINE.kinds)
    names = table.columns.keys()
    lines = {
        (row["subject"], row["position"]): (row["type"], row["data"])
        for values in by_key(there.engine, TIMELINE)[table.name].values()
        for row in [dict(zip(names, values, strict=True))]
    }
    assert lines == plain.timeline(log)


def test_connections_that_are_cut_again_and_again_cost_no_view_anything(there: World) -> None:
    with projecting(there, VIEWS) as running:
        until(lambda: {_active(there, view) for view in VIEWS} == {1}, "all have a generation")
        for _ in range(6):
            there.append_surely(*history(60))
            there.cut("")
        for view in VIEWS:
            settled(there, view=view)
            assert by_key(there.engine, view) == folded(view, there.log())
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
    assert by_key(there.engine, COUNTING) == folded(COUNTING, there.log())
