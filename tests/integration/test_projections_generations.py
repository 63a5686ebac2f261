"""Rebuild, compare, switch, drop: while readers read and projectors run."""

from collections.abc import Callable, Iterable
from threading import Thread

import pytest
from sqlalchemy import Connection, Engine, func, select, text

from projections import generations, loading
from projections.checkpoints import Gap, LostPartition
from projections.comparing import diff
from projections.freshness import freshness
from projections.reading import Reader
from projections.tables import of_generation
from projections.view import View
from projections.writer import Writer
from schemas.envelope import Event
from schemas.errors import Broken, NotFound, OtherEpoch, Unavailable
from schemas.receipts import Token
from tests.counting import COUNTING, tallies
from tests.integration.views import EPOCH, held, stands, tables, take_over, views_database
from tests.recorded import PARTITIONS, complaint, erased, numbered, purchase, registered, subject

LOG = numbered(
    [
        *(registered("ann"), purchase("ann"), complaint("bob"), complaint("cem")),
        *(purchase("cem", channel="broken"), erased("ann"), complaint("dee"), complaint("cem")),
    ]
)


@pytest.fixture
def engine(new_database: Callable[[str], str]) -> Iterable[Engine]:
    with views_database(new_database("views"), [COUNTING]) as engine:
        yield engine


def rebuilt(engine: Engine, log: list[Event]) -> int:
    made = generations.create(engine, COUNTING, partitions=PARTITIONS, epoch=EPOCH, bulk=True)
    for partition in range(PARTITIONS):
        history = [event for event in log if event.partition == partition]
        loading.load(engine, COUNTING, made.generation, partition, history)
    loading.finish(engine, COUNTING, made.generation)
    return made.generation


def count(connection: Connection, generation: int) -> int:
    query = select(func.count()).select_from(of_generation(tallies, generation))
    return connection.scalar(query) or 0


def states(engine: Engine) -> dict[int, str]:
    with engine.connect() as connection:
        return {g.generation: g.state for g in generations.listed(connection, "counting")}


def test_a_rebuild_ends_in_the_rows_holds_and_checkpoints_of_the_running_view(
    engine: Engine,
) -> None:
    take_over(engine, COUNTING, LOG)
    assert rebuilt(engine, LOG) == 2
    assert tables(engine, COUNTING, 2) == tables(engine, COUNTING, 1)
    assert stands(engine, COUNTING, 2) == stands(engine, COUNTING, 1)
    assert held(engine, COUNTING, 2) == held(engine, COUNTING, 1) == [subject("cem")]
    assert states(engine) == {1: "active", 2: "ready"}


def test_a_rebuilt_generation_runs_on_like_any_other(engine: Engine) -> None:
    take_over(engine, COUNTING, LOG)
    rebuilt(engine, LOG)
    more = numbered([*LOG, complaint("bob"), purchase("bob"), erased("dee")])[len(LOG) :]
    for generation in (1, 2):
        take_over(engine, COUNTING, more, generation)
    assert tables(engine, COUNTING, 2) == tables(engine, COUNTING, 1)


def test_a_partition_is_loaded_once_and_from_its_beginning(engine: Engine) -> None:
    made = generations.create(engine, COUNTING, partitions=PARTITIONS, epoch=EPOCH, bulk=True)
    partition = LOG[0].partition
    history = [event for event in LOG if event.partition == partition]
    with pytest.raises(Gap):
        loading.load(engine, COUNTING, made.generation, partition, history[1:])
    loading.load(engine, COUNTING, made.generation, partition, history)
    with pytest.raises(LostPartition):
        loading.load(engine, COUNTING, made.generation, partition, history)


def test_a_diff_names_the_rows_that_differ(engine: Engine) -> None:
    take_over(engine, COUNTING, LOG)
    rebuilt(engine, LOG)
    assert all(difference.same for difference in diff(engine, COUNTING, 1, 2))
    with engine.begin() as connection:
        connection.exec_driver_sql(
            f"UPDATE counting_g2 SET complaints = 9 WHERE subject = '{subject('bob')}'"
        )
        connection.exec_driver_sql(f"DELETE FROM counting_g1 WHERE subject = '{subject('dee')}'")
    rows, *others = diff(engine, COUNTING, 1, 2)
    assert (rows.table, rows.only_in_a, rows.only_in_b, rows.changed) == ("counting", 0, 1, 1)
    assert rows.samples == [(subject("bob"),), (subject("dee"),)]
    assert all(difference.same for difference in others)


def test_a_diff_waits_for_a_common_position_and_gives_up(engine: Engine) -> None:
    take_over(engine, COUNTING, LOG)
    rebuilt(engine, LOG[:3])
    with pytest.raises(Unavailable):
        diff(engine, COUNTING, 1, 2, wait_seconds=0.1)


def test_a_switch_waits_until_no_reader_would_go_back_in_time(engine: Engine) -> None:
    take_over(engine, COUNTING, LOG)
    rebuilt(engine, LOG[:3])
    with pytest.raises(Unavailable):
        generations.switch(engine, COUNTING, 2, wait_seconds=0.1)
    assert states(engine) == {1: "active", 2: "ready"}

    late = Thread(target=take_over, args=(engine, COUNTING, LOG[3:], 2))
    switching = Thread(target=generations.switch, args=(engine, COUNTING, 2))
    switching.start()
    late.start()
    switching.join(20)
    late.join(20)
    assert states(engine) == {1: "retired", 2: "active"}
    generations.switch(engine, COUNTING, 2)  # again: nothing to do


def test_a_switch_refuses_what_this_release_cannot_fold(engine: Engine) -> None:
    generations.create(engine, COUNTING, partitions=PARTITIONS, epoch=EPOCH, bulk=True)
    with pytest.raises(Broken):
        generations.switch(engine, COUNTING, 2)
    generations.create(engine, View("counting", 2, COUNTING.kinds), partitions=3, epoch=EPOCH)
    with pytest.raises(Broken):
        generations.switch(engine, COUNTING, 3)
    with pytest.raises(NotFound):
        generations.switch(engine, COUNTING, 4)


def test_the_active_generation_is_not_dropped(engine: Engine) -> None:
    with pytest.raises(Broken):
        generations.drop(engine, COUNTING, 1)


def test_a_dropped_generations_number_is_not_given_again(engine: Engine) -> None:
    generations.create(engine, COUNTING, partitions=PARTITIONS, epoch=EPOCH)
    generations.drop(engine, COUNTING, 2)
    made = generations.create(engine, COUNTING, partitions=PARTITIONS, epoch=EPOCH)
    assert made.generation == 3


def test_ensuring_a_view_again_finds_what_is_there(engine: Engine) -> None:
    found = generations.ensure(engine, COUNTING, partitions=PARTITIONS, epoch=EPOCH)
    assert (found.generation, found.fold_version, found.state) == (1, 1, "active")
    assert states(engine) == {1: "active"}


def test_a_reader_that_meets_a_dropped_table_reads_the_pointer_again(engine: Engine) -> None:
    reader = Reader(engine, pointer_seconds=3600)
    take_over(engine, COUNTING, LOG)
    assert reader.read("counting", count) == 4
    rebuilt(engine, LOG)
    generations.switch(engine, COUNTING, 2)
    generations.drop(engine, COUNTING, 1)
    assert reader.read("counting", lambda connection, g: (g, count(connection, g))) == (2, 4)


def test_a_reader_follows_a_switch_after_its_moment(engine: Engine) -> None:
    now = [0.0]
    reader = Reader(engine, pointer_seconds=1, clock=lambda: now[0])
    assert reader.read("counting", lambda _, generation: generation) == 1
    generations.create(engine, COUNTING, partitions=PARTITIONS, epoch=EPOCH)
    generations.switch(engine, COUNTING, 2)
    assert reader.read("counting", lambda _, generation: generation) == 1
    now[0] = 1.0
    assert reader.read("counting", lambda _, generation: generation) == 2


def test_a_view_without_a_generation_is_not_there_yet(engine: Engine) -> None:
    with pytest.raises(Unavailable):
        Reader(engine).read("nothing", lambda _, generation: generation)


def test_freshness_counts_what_waits_and_what_is_held(engine: Engine) -> None:
    take_over(engine, COUNTING, LOG)
    heads = {p: c.sequence for p, c in stands(engine, COUNTING).items()}
    heads[0] += 3
    with engine.connect() as connection:
        fresh = freshness(connection, "counting", 1, heads)
    assert (fresh.lag_events, fresh.lags[0]) == (3, 3)
    assert (fresh.held_subjects, fresh.held_events) == (1, 2)
    assert fresh.updated_at is not None
    assert fresh.reached(Token(EPOCH, {0: heads[0] - 3}))
    assert not fresh.reached(Token(EPOCH, {0: heads[0]}))
    with pytest.raises(OtherEpoch):
        fresh.reached(Token(EPOCH + 1, {}))


def test_a_commit_tells_those_who_wait_that_the_view_moved(engine: Engine) -> None:
    with engine.connect() as listening:
        driver = listening.connection.driver_connection
        assert driver is not None
        driver.autocommit = True
        driver.execute("LISTEN views_moved")
        take_over(engine, COUNTING, LOG)
        heard = [notify.payload for notify in driver.notifies(timeout=5, stop_after=1)]
        listening.execute(text("UNLISTEN *"))
    assert heard == ["counting"]


def test_two_writers_meet_and_one_lets_go(engine: Engine) -> None:
    start = stands(engine, COUNTING)
    outcomes: list[str] = []

    def write() -> None:
        try:
            Writer(engine, COUNTING, 1).apply(LOG, start)
            outcomes.append("written")
        except LostPartition:
            outcomes.append("lost")

    threads = [Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(outcomes) == ["lost", "lost", "lost", "written"]
