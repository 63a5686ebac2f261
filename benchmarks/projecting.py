"""One projector, and the rebuild, against the library's `ProjectionRunner`.

The peer does the same fold into the same kind of table: our profile row, read, folded and written
with the tracking record in one transaction for each event, which is the only way it has. It reads
the same events, in the same order, from the library's own recorder, through a mapper that costs it
no more than ours costs us.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine

from backbone.databases import Databases
from backbone.reading_side import open_views
from backbone.wiring import Store, open_store
from benchmarks.append import kept_in_flight
from benchmarks.measuring import PARTITIONS, Options, Rates, World, check, options, report, world
from benchmarks.runner import prepared, runner
from benchmarks.sent import drafts, purchases
from benchmarks.stored import check_profiles
from consumers.projecting import projector, store_feeds
from consumers.rebuilding import Rebuild
from consumers.store_watch import StoreWatch
from projections import generations
from projections.profile import PROFILE, Profile, erase, fold, keys, profiles
from projections.timeline import TIMELINE
from projections.view import Kind, View
from schemas.trade import PurchaseMade
from store.drafts import Append

FILL_IN_FLIGHT = 1_000
EVENTS_A_CUSTOMER = 20
SHARE_OF_SLOW = 50
"""The runner is given so many times fewer events, or it would take all day."""
PEER = "ProjectionRunner, profile row"
LOOK_SECONDS = 0.01
RUNNER_SECONDS_MAX = 600.0

ROW_ALONE = View("row_alone", 1, (Kind(profiles, Profile, keys, fold, erase),))
"""The profile view without its purchases and roll-ups: what the peer does too."""
VIEWS = {"profile row": ROW_ALONE, "profile view, all of it": PROFILE, "timeline view": TIMELINE}


def run(chosen: Options, at: World) -> Rates:
    """One log, read by ours and by the peer in turn, as often as asked for."""
    rates = Rates("events/s")
    with at.databases() as (databases, ring), open_store(databases.store, ring, PARTITIONS) as log:
        _fill(log, chosen.events)
        watch = StoreWatch(databases.store)
        watch.start()
        for _ in range(chosen.runs):
            for name, view in VIEWS.items():
                _ours(rates, name, view, chosen.events, log, watch, at)
            _peer(rates, log, chosen.events // SHARE_OF_SLOW, at)
        watch.stop()
    return rates


def _fill(log: Store, events: int) -> None:
    sent = purchases(events, events // EVENTS_A_CUSTOMER)
    ready = [Append((draft,)) for draft in drafts(log, sent)]
    kept_in_flight(log.appender.submit, ready, FILL_IN_FLIGHT)


def _ours(
    rates: Rates,
    name: str,
    view: View,
    events: int,
    log: Store,
    watch: StoreWatch,
    at: World,
) -> None:
    rows = sum(sequence for sequence, _ in log.history.heads().values())
    with _views(at) as (databases, engine):
        rates.add(f"projector, {name}", rows, _projected(view, rows, log, watch, engine))
        if view is not TIMELINE:
            check_profiles(databases.views, events)
        rebuilt = Rebuild(view, engine, log.history, watch).run()
        differ = [d for d in rebuilt.differences or () if d.only_in_a + d.only_in_b + d.changed]
        check(differ, [], "differences between projector and rebuild")
    with _views(at) as (databases, engine):
        began = time.perf_counter()
        rebuilt = Rebuild(view, engine, log.history, watch).run()
        rates.add(f"rebuild, {name}", rows, time.perf_counter() - began)
        check(rebuilt.events, rows, "events of the rebuild")


@contextmanager
def _views(at: World) -> Iterator[tuple[Databases, Engine]]:
    with at.databases() as (databases, _), open_views(databases.views) as engine:
        yield databases, engine


def _projected(view: View, rows: int, log: Store, watch: StoreWatch, engine: Engine) -> float:
    """How long a projector takes from its start to the head of the log."""
    info = log.info
    made = generations.ensure(engine, view, partitions=info.partitions, epoch=info.epoch)
    feed = store_feeds(log.history, watch, engine)(view.name, made.generation)
    running = projector(engine, view, made.generation, feed)
    began = time.perf_counter()
    running.start()
    while running.running and running.health.now().events < rows:
        time.sleep(LOOK_SECONDS)
    seconds = time.perf_counter() - began
    running.stop()
    check(running.health.now().events, rows, "events of the projector")
    return seconds


def _peer(rates: Rates, log: Store, events: int, at: World) -> None:
    with at.databases() as (databases, _):
        taken = log.history.from_position(0, events)
        application = prepared(databases.views, ROW_ALONE, taken)
        began = time.perf_counter()
        with runner(databases.views, application) as running:
            running.wait(events, timeout=RUNNER_SECONDS_MAX)
            rates.add(PEER, events, time.perf_counter() - began)
        check_profiles(databases.views, sum(one.type == PurchaseMade.TYPE for one in taken))


def main() -> None:
    """Run it and print."""
    chosen = options("one projector, and the rebuild, against ProjectionRunner", 100_000)
    with world() as at:
        rates = run(chosen, at)
    report("Projecting", chosen, rates.table(PEER))


if __name__ == "__main__":
    main()
