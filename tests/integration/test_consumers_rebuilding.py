"""Given a log, when a view is rebuilt: while it is written, interrupted, compared, switched to."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from consumers.catching_up import switch_to
from consumers.projecting import projector_locks
from consumers.rebuilding import Rebuild
from projections import generations
from projections.checkpoints import read
from projections.reading import Reader
from projections.view import View
from schemas.errors import Unavailable
from tests.counting import COUNTING
from tests.feeding import PARTITIONS, WAIT_SECONDS, World, until
from tests.following import history, projecting, sequences, settled
from tests.integration.views import by_key, folded


@contextmanager
def load(there: World) -> Iterator[None]:
    """Events come in all the while."""
    over = threading.Event()

    def write() -> None:
        while not over.wait(0.02):
            there.append(*history(20))

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def rebuild(there: World, **points: Callable[[int], None]) -> Rebuild:
    return Rebuild(COUNTING, there.engine, there.history, there.watch, **points)


def test_a_rebuild_under_load_equals_the_live_view_and_takes_its_place(there: World) -> None:
    there.append(*history(500))
    told: list[tuple[int, int]] = []
    with projecting(there, [COUNTING]):
        settled(there)
        with load(there):
            done = rebuild(there).run(lambda n, total: told.append((n, total)))
        assert (done.before, done.generation, done.switched) == (1, 2, True)
        assert done.differences is not None
        assert all(difference.same for difference in done.differences)
        assert told[0][0] == 0
        assert told[-1][0] == told[-1][1] >= 500
        settled(there, 2)
        assert by_key(there.engine, COUNTING, 2) == folded(COUNTING, there.log())
        there.append(*history(30))  # the running projectors went on with the new one
        settled(there, 2)
        assert by_key(there.engine, COUNTING, 2) == folded(COUNTING, there.log())


def test_without_any_projector_a_rebuild_makes_the_first_generation(there: World) -> None:
    there.append(*history(100))
    done = rebuild(there).run()
    assert (done.before, done.differences, done.switched) == (None, None, True)
    assert by_key(there.engine, COUNTING) == folded(COUNTING, there.log())


def test_a_row_that_was_changed_by_hand_is_reported_and_the_switch_may_be_declined(
    there: World,
) -> None:
    there.append(*history(100))
    with projecting(there, [COUNTING]):
        settled(there)
        with there.engine.begin() as connection:
            connection.exec_driver_sql("UPDATE counting_g1 SET complaints = complaints + 1000")
        done = rebuild(there).run(decide=lambda found: all(d.same for d in found or ()))
    assert not done.switched
    assert done.differences is not None
    changed = {d.table: d.changed for d in done.differences}
    assert changed["counting"] == len(by_key(there.engine, COUNTING)["counting"])
    assert changed["counting_seen"] == 0
    with there.engine.connect() as connection:
        assert generations.active(connection, "counting") == 1


def test_a_rebuild_that_was_killed_keeps_its_finished_partitions(there: World) -> None:
    there.append(*history(300))

    def die(partition: int) -> None:
        if partition == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rebuild(there, after_partition=die).run()
    before = sequences(there)
    assert before[0] > 0
    assert before[1] > 0
    assert before[2] == before[3] == 0
    told: list[int] = []
    loaded: list[int] = []
    done = rebuild(there, after_partition=loaded.append).run(lambda n, _total: told.append(n))
    assert done.resumed
    assert loaded == [2, 3]
    assert told[0] == before[0] + before[1]
    assert by_key(there.engine, COUNTING) == folded(COUNTING, there.log())


def test_a_partition_that_was_interrupted_starts_anew(there: World) -> None:
    there.append(*history(300))
    seen = 0

    def interrupt(_done: int, _total: int) -> None:
        nonlocal seen
        seen += 1
        if seen == 3:  # in the middle of the second partition's events
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rebuild(there).run(interrupt)
    assert sum(1 for sequence in sequences(there).values() if sequence) == 1
    assert rebuild(there).run().resumed
    assert by_key(there.engine, COUNTING) == folded(COUNTING, there.log())


def test_two_rebuilds_of_one_generation_do_not_meet(there: World) -> None:
    there.append(*history(50))
    info = there.history.info
    made = generations.create(
        there.engine, COUNTING, partitions=PARTITIONS, epoch=info.epoch, bulk=True
    )
    locks = projector_locks(there.engine, "counting", made.generation, range(PARTITIONS))
    assert locks.owned()
    with pytest.raises(Unavailable):
        rebuild(there).run()
    locks.close()
    assert rebuild(there).run().resumed


def test_an_unfinished_generation_can_be_dropped(there: World) -> None:
    there.append(*history(50))

    def die(_partition: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rebuild(there, after_partition=die).run()
    generations.drop(there.engine, COUNTING, 1)
    with there.engine.connect() as connection:
        assert generations.listed(connection) == []


def test_a_new_fold_is_brought_in_by_a_rebuild(there: World) -> None:
    there.append(*history(100))
    with projecting(there, [COUNTING]):
        settled(there)
    newer = View("counting", 2, COUNTING.kinds)
    with projecting(there, [newer]) as running:
        until(lambda: running.health()[0].reason == "other-fold", "the old fold is refused")
        assert "run `backbone rebuild counting`" in str(running.health()[0].advice)
        there.append(*history(100))
        done = Rebuild(newer, there.engine, there.history, there.watch).run()
        assert done.differences is None  # nobody of this release can bring the old one up
        assert done.switched
        until(lambda: running.health()[0].state == "fresh", "it goes on with the new one")
        there.append(*history(10))
        settled(there, done.generation)


def test_a_retired_generation_stands_still_and_can_be_switched_back_to(there: World) -> None:
    there.append(*history(100))
    with projecting(there, [COUNTING]):
        settled(there)
        rebuild(there).run()
        stood = sequences(there, 1)
        there.append(*history(50))
        settled(there, 2)
        assert sequences(there, 1) == stood
        switch_to(COUNTING, there.engine, there.history, there.watch, 1)
        there.append(*history(50))
        settled(there, 1)
        assert sequences(there, 2) != sequences(there, 1)
    assert by_key(there.engine, COUNTING, 1) == folded(COUNTING, there.log())
    with there.engine.connect() as connection:
        assert generations.active(connection, "counting") == 1


def test_readers_never_go_back_in_time_while_generations_are_switched(there: World) -> None:
    there.append(*history(200))
    faults: list[str] = []
    reads = [0] * 4
    over = threading.Event()

    def watch(number: int, reader: Reader) -> None:
        last = dict.fromkeys(range(PARTITIONS), 0)
        while not over.is_set() or reads[number] < 2500:
            stands, count = reader.read(
                "counting",
                lambda connection, generation: (
                    read(connection, "counting", generation),
                    connection.exec_driver_sql(
                        f"SELECT count(*) FROM counting_seen_g{generation}"
                    ).scalar_one(),
                ),
            )
            now = {partition: at.sequence for partition, at in stands.items()}
            if any(now[p] < last[p] for p in last):
                faults.append("an older sequence")
            if count < sum(now.values()):
                faults.append("rows older than their checkpoint")
            last = now
            reads[number] += 1

    with projecting(there, [COUNTING]):
        settled(there)
        readers = [threading.Thread(target=watch, args=(n, Reader(there.engine))) for n in range(4)]
        for thread in readers:
            thread.start()
        with load(there):
            for _ in range(5):
                done = rebuild(there).run()
                assert done.switched
        over.set()
        for thread in readers:
            thread.join(WAIT_SECONDS * 5)
    assert faults == []
    assert sum(reads) >= 10_000
