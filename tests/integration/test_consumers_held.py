"""Given subjects that a view could not fold, when they are shown, erased and tried again."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from consumers import held
from consumers.ownership import Fixed
from consumers.projecting import projector
from consumers.runtime import Limits, Projector
from consumers.store_feed import StoreFeed
from projections import generations
from projections.view import Kind, View
from schemas.envelope import Event
from schemas.errors import NotFound
from tests.counting import COUNTING, SEEN, TALLIES, Tally, tallies
from tests.feeding import PARTITIONS, World, until
from tests.following import history, settled
from tests.integration.views import by_key, folded
from tests.recorded import complaint, erased, purchase, registered, subject


@pytest.fixture
def there(there: World) -> World:
    """The counting view has its first generation."""
    epoch = there.history.info.epoch
    generations.ensure(there.engine, COUNTING, partitions=PARTITIONS, epoch=epoch)
    return there


def _mended() -> View:
    """The same view after a release that can fold purchases through any channel."""

    def fold(row: Tally | None, event: Event) -> Tally | None:
        return TALLIES.fold(row, event._replace(data=event.data | {"channel": "web"}))

    kind: Kind[Tally] = replace(TALLIES, fold=fold)
    return View("counting", 1, (kind, SEEN))


MENDED = _mended()


@contextmanager
def projected(there: World, view: View = COUNTING) -> Iterator[Projector]:
    feed = StoreFeed(there.history, there.watch, Fixed(range(PARTITIONS)))
    running = projector(there.engine, view, 1, feed, limits=Limits(20, 0.2))
    running.start()
    try:
        yield running
    finally:
        running.stop()


def broken(there: World) -> None:
    there.append(registered("ann"), purchase("ann", "5.00", channel="broken"), registered("bob"))
    there.append(complaint("ann"), complaint("bob"))


def test_who_is_held_is_listed_and_shown_without_any_value(there: World) -> None:
    with projected(there):
        broken(there)
        settled(there)
    (one,) = held.listed(there.engine, "counting")
    assert (one.view, one.generation, one.hold.subject) == ("counting", 1, subject("ann"))
    assert held.listed(there.engine) == [one]
    events = held.waiting_events(there.history, one)
    assert [event.type for event in events] == ["purchase.made", "complaint.made"]
    assert str(events[0].cause).startswith("KeyError at counting.py:")
    assert events[1].cause is None
    assert "~1." not in repr(events) + repr(one)


def test_a_retry_after_the_mend_folds_what_waited(there: World) -> None:
    with projected(there):
        broken(there)
        settled(there)
    assert held.retry(there.engine, there.history, MENDED, subject("ann")) is None
    assert held.listed(there.engine) == []
    assert by_key(there.engine, MENDED) == folded(MENDED, there.log())


def test_a_retry_that_fails_again_leaves_the_hold(there: World) -> None:
    with projected(there):
        broken(there)
        settled(there)
        left = held.retry(there.engine, there.history, COUNTING, subject("ann"))
    assert left is not None
    assert left.events == 2
    assert [one.hold for one in held.listed(there.engine)] == [left]


def test_a_held_subject_that_was_erased_comes_back_without_a_trace(there: World) -> None:
    with projected(there):
        broken(there)
        there.append(erased("ann"), complaint("bob"))
        settled(there)
        assert by_key(there.engine, COUNTING)["counting"][subject("ann"),][-1] is None
    assert held.retry_all(there.engine, there.history, [MENDED]) == {"counting": []}
    assert by_key(there.engine, MENDED) == folded(MENDED, there.log())


def test_retries_and_a_running_projector_give_way_to_each_other(there: World) -> None:
    over = threading.Event()

    def write() -> None:
        while not over.wait(0.005):
            there.append(complaint("ann"), *history(10))

    with projected(there) as old:
        broken(there)
        settled(there)
        old.stop()
    writing = threading.Thread(target=write)
    writing.start()
    with projected(there, MENDED) as running:
        for _ in range(30):
            held.retry(there.engine, there.history, MENDED, subject("ann"))
        over.set()
        writing.join()
        settled(there)
        assert running.running
    assert held.listed(there.engine) == []
    assert by_key(there.engine, MENDED) == folded(MENDED, there.log())


def test_a_repair_mends_rows_that_somebody_changed_by_hand(there: World) -> None:
    with projected(there):
        there.append(*history(100))
        settled(there)
        somebody = history(1)[0].subject
        with there.engine.begin() as connection:
            connection.exec_driver_sql(
                f"DELETE FROM {tallies.name}_g1 WHERE subject = %(who)s", {"who": somebody}
            )
        assert by_key(there.engine, COUNTING) != folded(COUNTING, there.log())
        held.retry(there.engine, there.history, COUNTING, somebody)
    assert by_key(there.engine, COUNTING)["counting"] == folded(COUNTING, there.log())["counting"]


def test_a_view_that_has_no_generation_has_nobody_to_retry(there: World) -> None:
    with pytest.raises(NotFound):
        held.retry(there.engine, there.history, View("other", 1, ()), subject("ann"))
    until(lambda: held.listed(there.engine, "other") == [], "nobody is held")
