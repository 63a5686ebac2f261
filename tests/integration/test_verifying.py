"""Given a store and views, when they are held against each other, then the first difference of each
partition is named, and nothing else is."""

import pytest

from consumers import verifying
from consumers.rebuilding import ignore
from consumers.verifying import Difference, Verified, verify_views
from projections import generations
from projections.connecting import transaction
from tests.counting import COUNTING
from tests.feeding import PARTITIONS, World
from tests.following import history, projecting, sequences, settled
from tests.stores import ask

PARTITION = 1
"""The one in which something is changed."""


@pytest.fixture
def full(there: World) -> World:
    """A view that has taken over all that the store has, whose projector has ended."""
    there.append(*history(120))
    with projecting(there, (COUNTING,)):
        settled(there)
    return there


def verify(there: World) -> tuple[Verified, Verified]:
    """The store and the view."""
    store, view = verify_views(there.engine, there.history, ignore)
    assert (store.name, view.name) == ("store", "counting g1")
    return store, view


def change(there: World, what: str) -> None:
    """A checkpoint changed by hand."""
    with there.engine.begin() as connection:
        connection.exec_driver_sql(
            f"UPDATE checkpoints SET {what} WHERE partition = {PARTITION} AND generation = 1"
        )


@pytest.mark.parametrize("step", [1, 7, 50_000])
def test_all_is_well(full: World, step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verifying, "STEP_EVENTS_MAX", step)
    told: list[tuple[int, int]] = []
    found = verify_views(full.engine, full.history, lambda *at: told.append(at))
    assert found == [Verified("store", 120, 0, ()), Verified("counting g1", 120, 0, ())]
    assert told[-1] == (120, 120)
    assert told == sorted(told)


def test_nothing_recorded_and_nothing_projected_is_well(there: World) -> None:
    assert verify_views(there.engine, there.history, ignore) == [Verified("store", 0, 0, ())]


@pytest.mark.parametrize("step", [3, 50_000])
def test_a_view_behind_is_no_difference(
    full: World, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verifying, "STEP_EVENTS_MAX", step)
    full.append(*history(50))
    store, view = verify(full)
    assert store == Verified("store", 170, 0, ())
    assert view == Verified("counting g1", 120, 50, ())


def test_a_digest_that_was_changed(full: World) -> None:
    change(full, "digest = digest + 1")
    at = sequences(full)[PARTITION]
    store, view = verify(full)
    assert not store.differences
    assert view.differences == (Difference(PARTITION, "other-digest", 1, at),)


def test_a_sequence_that_was_set_back(full: World) -> None:
    change(full, "sequence = sequence - 1")
    at = sequences(full)[PARTITION]
    _, view = verify(full)
    assert view.differences == (Difference(PARTITION, "other-digest", 1, at),)


@pytest.mark.parametrize("step", [1, 4, 50_000])
def test_events_that_were_deleted_from_the_store(
    full: World, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verifying, "STEP_EVENTS_MAX", step)
    ask(
        full.store_url,
        f"DELETE FROM events WHERE partition = {PARTITION} AND sequence IN (5, 6, 7, 9)",
    )
    at = sequences(full)[PARTITION]
    store, view = verify(full)
    assert store.differences == (Difference(PARTITION, "missing", 5, 7),)
    assert view.differences == (Difference(PARTITION, "other-digest", 1, at),)


def test_events_that_were_deleted_at_the_stores_end(full: World) -> None:
    at = sequences(full)[PARTITION]
    ask(
        full.store_url,
        f"DELETE FROM events WHERE partition = {PARTITION} AND sequence > {at - 2}",
    )
    store, view = verify(full)
    assert not store.differences
    assert view.differences == (Difference(PARTITION, "unknown", at - 1, at),)


def test_an_event_whose_id_was_changed(full: World) -> None:
    ask(
        full.store_url,
        "UPDATE events SET event_id = gen_random_uuid() "
        f"WHERE partition = {PARTITION} AND sequence = 3",
    )
    at = sequences(full)[PARTITION]
    _, view = verify(full)
    assert view.differences == (Difference(PARTITION, "other-digest", 1, at),)


def test_a_view_of_another_epoch(full: World) -> None:
    change(full, "epoch = epoch + 1")
    at = sequences(full)[PARTITION]
    _, view = verify(full)
    assert view.differences == (Difference(PARTITION, "other-epoch", 1, at),)


def test_generations_that_may_be_read_count_and_no_others(full: World) -> None:
    info = full.history.info
    for bulk in (False, True):
        generations.create(
            full.engine, COUNTING, partitions=PARTITIONS, epoch=info.epoch, bulk=bulk
        )
    names = [one.name for one in verify_views(full.engine, full.history, ignore)]
    assert names == ["store", "counting g1", "counting g2"]  # g2 is ready, g3 is being loaded
    with transaction(full.engine) as connection:
        generations.mark(connection, COUNTING, 2, "retired")
    names = [one.name for one in verify_views(full.engine, full.history, ignore)]
    assert names == ["store", "counting g1"]
