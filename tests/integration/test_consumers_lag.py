"""Given views that are up, behind, held, paused or dead, when one look is taken at all of them."""

import threading

import pytest

from consumers import lag
from consumers.health import BEAT_SECONDS_MAX, Health
from consumers.lag import faults, measure, readiness
from consumers.projecting import Projecting
from consumers.runtime import Points
from projections.checkpoints import Checkpoint
from projections.view import View
from schemas.errors import NotFound, Unavailable
from tests.counting import COUNTING
from tests.feeding import World, until
from tests.following import history, projecting, settled
from tests.recorded import purchase

VIEWS = (COUNTING,)


def ready(there: World, running: Projecting) -> dict[str, str]:
    return readiness(there.engine, there.history, VIEWS, running.health())


def test_a_view_at_the_head_is_fresh_and_one_behind_is_pending(there: World) -> None:
    with projecting(there, VIEWS) as running:
        there.append(*history(60))
        settled(there)
        (one,) = measure(there.engine, there.history, VIEWS, running.health())
        assert (one.view, one.generation, one.role) == ("counting", 1, "active")
        assert (one.events, one.lag_events, one.lag_seconds) == (60, 0, 0)
        assert (one.state, one.reason, one.held_subjects) == ("fresh", None, 0)
        running.pause("counting")
        there.append(*history(40))
        (one,) = measure(there.engine, there.history, VIEWS, running.health())
        assert (one.state, one.events, one.lag_events) == ("pending", 60, 40)
        assert 0 < one.lag_seconds < 60
        running.resume("counting")
        settled(there)
        assert ready(there, running) == {}


def test_a_view_with_somebody_held_says_so_and_is_ready_all_the_same(there: World) -> None:
    with projecting(there, VIEWS) as running:
        there.append(purchase("ann", channel="broken"))
        settled(there)
        (one,) = measure(there.engine, there.history, VIEWS)
        assert (one.state, one.held_subjects) == ("held", 1)
        assert ready(there, running) == {}


def test_who_stands_still_while_events_wait_is_not_ready(
    there: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lag, "STANDS_STILL_SECONDS", 0.3)
    with projecting(there, VIEWS) as running:
        there.append(*history(10))
        settled(there)
        running.pause("counting")
        assert ready(there, running) == {}  # nothing waits
        there.append(*history(10))
        until(lambda: "stands still" in ready(there, running).get("counting", ""), "it is told")
        # From outside, in a process that knows nothing of the pause, it is stopped.
        (one,) = measure(there.engine, there.history, VIEWS)
        assert (one.state, one.reason) == ("stopped", "stands-still")
        running.resume("counting")
        until(lambda: ready(there, running) == {}, "it is ready again")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_dead_thread_makes_a_process_unready_though_nothing_waits(there: World) -> None:
    die = threading.Event()

    def perhaps() -> None:
        if die.is_set():
            raise SystemExit

    with projecting(there, VIEWS, points=Points(after_poll=perhaps)) as running:
        there.append(*history(10))
        settled(there)
        assert ready(there, running) == {}
        die.set()
        until(lambda: ready(there, running) == {"counting": "died"}, "the death is seen", 10)


def test_a_view_without_any_generation_is_not_ready(there: World) -> None:
    assert measure(there.engine, there.history, VIEWS) == []
    assert faults([], VIEWS) == {"counting": "has no generation yet"}


def test_another_fold_or_epoch_or_a_store_put_back_stops_a_view(there: World) -> None:
    there.append(*history(20))
    with projecting(there, VIEWS):
        settled(there)
    (one,) = measure(there.engine, there.history, (View("counting", 2, COUNTING.kinds),))
    assert (one.state, one.reason) == ("stopped", "other-fold")
    with there.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE checkpoints SET sequence = 1000 WHERE partition = 0")
    (one,) = measure(there.engine, there.history, VIEWS)
    assert (one.state, one.reason) == ("stopped", "ahead")
    with there.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE checkpoints SET epoch = epoch + 1")
    (one,) = measure(there.engine, there.history, VIEWS)
    assert (one.state, one.reason) == ("stopped", "other-epoch")


def test_a_database_that_does_not_answer_is_a_fault_and_no_exception(
    there: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone() -> None:
        raise Unavailable("the store did not answer")

    monkeypatch.setattr(there.history, "heads", gone)
    found = readiness(there.engine, there.history, VIEWS)
    assert found == {"databases": "the store did not answer"}


def test_only_views_of_this_process_can_be_paused(there: World) -> None:
    with projecting(there, VIEWS) as running, pytest.raises(NotFound):
        running.pause("other")


def test_health_by_the_clock() -> None:
    now = 100.0
    health = Health("counting", 1, clock=lambda: now)
    health.started(lambda: True)
    assert health.now().state == "pending"
    health.owns({0: Checkpoint(0, 1)})
    health.took(500, caught_up=False)
    now += 5
    health.beat()
    health.took(500, caught_up=True)
    assert health.now().state == "fresh"
    assert health.now().events_per_second == 200
    health.failed("unavailable")
    assert (health.now().state, health.now().error) == ("pending", "unavailable")
    now += BEAT_SECONDS_MAX + 1
    assert (health.now().state, health.now().reason) == ("stopped", "silent")
    health.beat()
    assert health.now().reason is None
    now += 11
    health.beat()
    assert health.now().events_per_second == 0
