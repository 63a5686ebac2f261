"""Given a log, when projectors run, stand still, lose their partitions or their databases."""

import threading
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

import psycopg
import pytest

from backbone.wiring import conninfo
from consumers.ownership import LOOK_SECONDS
from consumers.projecting import projector, projector_locks
from consumers.runtime import Limits, Points, Projector
from consumers.store_feed import StoreFeed
from projections import generations, holding
from tests.counting import COUNTING
from tests.feeding import PARTITIONS, WAIT_SECONDS, World, until
from tests.following import history, sequences, settled
from tests.integration.views import by_key, folded
from tests.recorded import complaint, erased, purchase, registered, subject

EVERY = range(PARTITIONS)
SMALL = Limits(batch_events_max=20, poll_seconds=0.2)


@pytest.fixture
def there(there: World) -> World:
    """The counting view has its first generation."""
    epoch = there.history.info.epoch
    generations.ensure(there.engine, COUNTING, partitions=PARTITIONS, epoch=epoch)
    return there


@dataclass
class Running:
    """Projectors that end with the test, whatever happens in it."""

    world: World
    started: list[Projector] = field(default_factory=list)

    def __call__(
        self, partitions: Collection[int] = EVERY, points: Points | None = None
    ) -> Projector:
        w = self.world
        locks = projector_locks(w.engine, "counting", 1, partitions)
        feed = StoreFeed(w.history, w.watch, locks)
        made = projector(w.engine, COUNTING, 1, feed, limits=SMALL, points=points)
        self.started.append(made)
        made.start()
        return made


@pytest.fixture
def run(there: World) -> Iterator[Running]:
    running = Running(there)
    yield running
    for one in running.started:
        one.stop()


def test_the_view_is_what_one_pass_over_the_log_gives(there: World, run: Running) -> None:
    there.append(*history(200))
    run()
    there.append(*history(300))
    settled(there)
    assert by_key(there.engine, COUNTING) == folded(COUNTING, there.log())


def test_two_processes_share_a_view_by_halves_of_its_partitions(there: World, run: Running) -> None:
    one, other = run({0, 1}), run({2, 3})
    there.append(*history(400))
    settled(there)
    assert by_key(there.engine, COUNTING) == folded(COUNTING, there.log())
    assert one.health.now().partitions == {0, 1}
    assert other.health.now().partitions == {2, 3}
    assert one.health.now().events + other.health.now().events == 400


def test_who_gets_no_lock_waits_and_takes_over_when_its_holder_ends(
    there: World, run: Running
) -> None:
    first = run()
    until(lambda: first.health.now().partitions == set(EVERY), "the first has all partitions")
    second = run()
    there.append(*history(50))
    settled(there)
    assert second.health.now().partitions == set()
    first.stop()
    there.append(*history(50))
    settled(there)
    assert second.health.now().partitions == set(EVERY)
    assert second.health.now().events == 50
    assert by_key(there.engine, COUNTING) == folded(COUNTING, there.log())


def test_a_zombie_writes_nothing_and_lets_go(there: World, run: Running) -> None:
    in_hand, go_on = threading.Event(), threading.Event()
    armed = threading.Event()

    def wait() -> None:
        if armed.is_set():
            in_hand.set()
            assert go_on.wait(WAIT_SECONDS)

    zombie = run(points=Points(after_poll=wait))
    there.append(*history(30))
    settled(there)
    armed.set()
    there.append(*history(15))
    assert in_hand.wait(WAIT_SECONDS)
    armed.clear()
    # Its locks are gone, and it does not know: it holds a batch read before.
    assert there.cut("backbone projector counting g1") == 1
    heir = run()
    settled(there)
    before = zombie.health.now().events
    go_on.set()
    until(lambda: zombie.health.now().error is None and not zombie.health.now().partitions, "lost")
    assert zombie.health.now().events == before
    there.append(*history(15))
    settled(there)
    assert heir.health.now().events == 30
    assert by_key(there.engine, COUNTING) == folded(COUNTING, there.log())


@pytest.mark.parametrize("moment", ["after_poll", "before_commit", "after_commit"])
def test_connections_that_are_cut_at_any_moment_cost_nothing(
    there: World, run: Running, moment: str
) -> None:
    turns = iter(range(1000))

    def cut() -> None:
        if next(turns) in {1, 4, 7}:
            there.cut("")

    points: dict[str, Any] = {moment: cut}
    one = run(points=Points(**points))
    for _ in range(10):
        there.append_surely(*history(30))
    settled(there)
    assert by_key(there.engine, COUNTING) == folded(COUNTING, there.log())
    assert one.running


def test_a_pause_holds_the_view_and_a_release_lets_the_write_in(there: World, run: Running) -> None:
    one = run()
    there.append(*history(20))
    settled(there)
    one.pause()
    before = sequences(there)
    there.append(*history(20))
    assert sequences(there) == before
    assert one.health.now().state == "pending"
    assert one.health.now().paused
    one.resume()
    settled(there)
    until(lambda: one.health.now().state == "fresh", "it is fresh again")


def test_a_fold_that_raises_holds_its_subject_alone(there: World, run: Running) -> None:
    run()
    there.append(registered("ann"), purchase("ann", channel="broken"), registered("bob"))
    there.append(complaint("ann"), complaint("bob"))
    settled(there)
    with there.engine.connect() as connection:
        (hold,) = holding.read(connection, "counting", 1)
    assert (hold.subject, hold.events) == (subject("ann"), 2)
    tallies = by_key(there.engine, COUNTING)["counting"]
    assert tallies[subject("bob"),][2:] == (1, 0, "~1.bob")
    assert tallies[subject("ann"),][2:] == (0, 0, "~1.ann")
    there.append(erased("ann"))  # at once, though she is held
    settled(there)
    assert by_key(there.engine, COUNTING)["counting"][subject("ann"),][-1] is None


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_that_dies_without_a_word_is_seen(run: Running) -> None:
    def die() -> None:
        raise SystemExit

    one = run(points=Points(after_poll=die))
    until(lambda: one.health.now().state == "stopped", "the death is seen", 10)
    assert one.health.now().reason == "died"


def test_a_fault_of_the_program_stops_it_and_says_so_without_the_text(
    run: Running, caplog: pytest.LogCaptureFixture
) -> None:
    number = "+32 470 12 34 56"

    def fail() -> None:
        raise KeyError(number)

    one = run(points=Points(after_poll=fail))
    until(lambda: one.health.now().state == "stopped", "the fault is seen")
    now = one.health.now()
    assert now.reason == "crashed"
    assert number not in caplog.text + str(now.advice)


def test_a_stop_finishes_the_batch_in_hand(there: World, run: Running) -> None:
    in_hand, go_on = threading.Event(), threading.Event()

    def wait() -> None:
        in_hand.set()
        assert go_on.wait(WAIT_SECONDS)

    there.append(*history(10))
    one = run(points=Points(before_commit=wait))
    assert in_hand.wait(WAIT_SECONDS)
    one.ask_to_stop()
    go_on.set()
    one.stop()
    assert sum(sequences(there).values()) == 10
    assert one.health.now().reason == "ended"


def test_a_gap_stops_the_projector_and_names_it(there: World, run: Running) -> None:
    there.append(*history(40))
    with psycopg.connect(conninfo(there.store_url)) as connection:
        connection.execute("DELETE FROM events WHERE partition = 1 AND sequence = 3")
    one = run()
    until(lambda: one.health.now().state == "stopped", "the gap is seen")
    assert one.health.now().reason == "gap"
    assert "partition 1" in str(one.health.now().advice)


def test_a_generation_that_readers_left_is_not_written_any_more(there: World, run: Running) -> None:
    one = run()
    there.append(*history(10))
    settled(there)
    before = sequences(there)
    with there.engine.begin() as connection:
        generations.mark(connection, COUNTING, 1, "retired")
    there.append(*history(10))
    until(lambda: one.health.now().state == "stopped", "it stands still")
    assert one.health.now().reason == "retired"
    assert sequences(there) == before


def test_a_generation_that_is_dropped_ends_its_projector(there: World, run: Running) -> None:
    one = run()
    there.append(*history(10))
    settled(there)
    with there.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM pointers")
        connection.exec_driver_sql("DELETE FROM generations WHERE generation = 1")
    there.append(complaint("ann"))
    until(lambda: one.health.now().state == "stopped", "the drop is seen")
    assert one.health.now().reason == "dropped"


def test_locks_that_were_lost_are_noticed_by_a_quiet_reader(there: World, run: Running) -> None:
    one = run()
    until(lambda: one.health.now().partitions == set(EVERY), "it has its partitions")
    there.cut("backbone projector counting g1")
    until(lambda: one.health.now().error == "unavailable", "it notices", LOOK_SECONDS * 20)
    until(lambda: one.health.now().partitions == set(EVERY), "it has them again")
