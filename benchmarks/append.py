"""Append in one process against the library's own `save()`, each on a log of its own.

Ours: one thread keeps a hundred appends in flight, and the appender writes what has gathered as one
group. The library's: its own PostgreSQL recorder, an aggregate with one event a save, by one thread
or by eight. Both flush before they answer.
"""

from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event

from backbone.wiring import Store, open_store
from benchmarks.library import environment
from benchmarks.measuring import (
    PARTITIONS,
    Options,
    Rates,
    World,
    check,
    options,
    report,
    seconds_of,
    world,
)
from benchmarks.sent import REGION, drafts, purchases
from benchmarks.stored import check_log, check_net
from commands.touchpoints import Touchpoints
from domain.access import LOCAL
from schemas.cloudevents import from_json
from schemas.receipts import Receipt
from store.drafts import Append

IN_FLIGHT = 100
CUSTOMERS = 1_000
WRITERS = 8
ONE_WRITER, MANY_WRITERS = "library save(), 1 writer", f"library save(), {WRITERS} writers"
SHARE_OF_SLOW = 40
"""What commits one by one is given so many times fewer events, or it would take all day."""

T = TypeVar("T")


class Purchase(Aggregate):
    """The same purchase as an aggregate of the library, which keeps it as its one event."""

    @event("Made")
    def __init__(self, customer: str, data: dict[str, Any]) -> None:
        self.customer = customer
        self.data = data


class Shop(Application[UUID]):
    """The library's application."""

    def report(self, sent: dict[str, Any]) -> None:
        """Record one purchase."""
        self.save(Purchase(sent["subject"], sent["data"]))


@dataclass(frozen=True, slots=True)
class Case:
    """One way to append. `parsed` events are drafts before the clock starts."""

    name: str
    known: bool = True
    in_flight: int = IN_FLIGHT
    parsed: bool = True
    share: int = 1


CASES = (
    Case(f"known, {IN_FLIGHT} in flight"),
    Case(f"new, {IN_FLIGHT} in flight", known=False),
    Case("known, read and parsed too", parsed=False),
    Case("known, 1 in flight", in_flight=1, share=SHARE_OF_SLOW),
)


def run(chosen: Options, at: World) -> Rates:
    """Ours and the library's in turn, as often as asked for."""
    rates = Rates("events/s")
    for _ in range(chosen.runs):
        for case in CASES:
            _ours(rates, case, at, chosen.events // case.share)
        for name, writers in ((ONE_WRITER, 1), (MANY_WRITERS, WRITERS)):
            _library(rates, name, at, chosen.events // SHARE_OF_SLOW, writers)
    return rates


def _ours(rates: Rates, case: Case, at: World, events: int) -> None:
    with at.databases() as (databases, ring):
        with open_store(databases.store, ring, PARTITIONS) as store:
            before = drafts(store, purchases(CUSTOMERS, CUSTOMERS)) if case.known else []
            kept_in_flight(_submit(store), before, IN_FLIGHT)
            customers = CUSTOMERS if case.known else events
            sent = list(purchases(events, customers, first=CUSTOMERS))
            seconds = _appended(store, case, sent)
        rates.add(case.name, events, seconds)
        check_log(databases.store, events=len(before) + events, customers=customers)
        check_net(databases.store, len(before) + events)


def _appended(store: Store, case: Case, sent: list[dict[str, Any]]) -> float:
    if case.parsed:
        ready = drafts(store, sent)
        return seconds_of(lambda: kept_in_flight(_submit(store), ready, case.in_flight))
    touchpoints = Touchpoints(store.registry, store.ids, store.appender, REGION)

    def reported(one: dict[str, Any]) -> "Future[Receipt]":
        return touchpoints.report(LOCAL, from_json(one))

    return seconds_of(lambda: kept_in_flight(reported, sent, case.in_flight))


def _submit(store: Store) -> Callable[[Any], "Future[Receipt]"]:
    return lambda ready: store.appender.submit(Append((ready,)))


def kept_in_flight(
    submit: Callable[[T], "Future[Receipt]"], events: Iterable[T], in_flight: int
) -> None:
    """Submit all, so many at a time; each must be new."""
    waiting: deque[Future[Receipt]] = deque()
    for one in events:
        if len(waiting) >= in_flight:
            check(waiting.popleft().result().duplicate, False, "duplicate")
        waiting.append(submit(one))
    for answer in waiting:
        check(answer.result().duplicate, False, "duplicate")


def _library(rates: Rates, name: str, at: World, events: int, writers: int) -> None:
    with at.databases() as (databases, _), Shop(environment(databases.store)) as shop:
        sent = list(purchases(events, events))
        with ThreadPoolExecutor(writers) as pool:
            rates.add(name, events, seconds_of(lambda: list(pool.map(shop.report, sent))))
        stored = shop.recorder.select_notifications(start=1, limit=events + 1)
        check(len(stored), events, "events of the library")


def main() -> None:
    """Run it and print."""
    chosen = options("append with 100 in flight against the library's own save()", 40_000)
    with world() as at:
        rates = run(chosen, at)
    report("Append, in one process", chosen, rates.table(ONE_WRITER, MANY_WRITERS))


if __name__ == "__main__":
    main()
