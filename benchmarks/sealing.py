"""Sealing on against off: the same appends, with values sealed and with values as they came.

Off means that values go into the store open; keys are made and looked up all the same, so that the
difference is the sealing of values alone, and what longer states cost on their way.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from backbone.wiring import open_store
from benchmarks.append import IN_FLIGHT, kept_in_flight
from benchmarks.measuring import (
    PARTITIONS,
    Options,
    Rates,
    World,
    options,
    report,
    seconds_of,
    world,
)
from benchmarks.sent import complaint, drafts, purchase, unsealed
from benchmarks.stored import check_log, check_sealed
from store.drafts import Append
from store.sealing import seal

CUSTOMERS = 1_000
PLAIN = "plain"


@dataclass(frozen=True, slots=True)
class Case:
    """One kind of event, of known customers or each of a new one."""

    name: str
    event: Callable[[int, int], dict[str, Any]]
    known: bool


CASES = (
    Case("purchase with a receipt number, known", purchase, known=True),
    Case("purchase with a receipt number, new", purchase, known=False),
    Case("complaint with a text, known", complaint, known=True),
    Case("complaint with a text, new", complaint, known=False),
)


def run(chosen: Options, at: World) -> list[Rates]:
    """A table for each case; on and off in turn, as often as asked for."""
    tables = []
    for case in CASES:
        rates = Rates("events/s", case.name)
        for _ in range(chosen.runs):
            for sealed in (True, False):
                _append(rates, case, at, chosen.events, sealed=sealed)
        tables.append(rates)
    return tables


def _append(rates: Rates, case: Case, at: World, events: int, *, sealed: bool) -> None:
    how = seal if sealed else unsealed
    customers = CUSTOMERS if case.known else events
    before = CUSTOMERS if case.known else 0
    with at.databases() as (databases, ring):
        with open_store(databases.store, ring, PARTITIONS, seal=how) as store:
            made = (case.event(n, n % customers) for n in range(before + events))
            ready = [Append((draft,)) for draft in drafts(store, made)]
            submit = store.appender.submit
            kept_in_flight(submit, ready[:before], IN_FLIGHT)
            measured = ready[before:]
            seconds = seconds_of(lambda: kept_in_flight(submit, measured, IN_FLIGHT))
        rates.add("sealed" if sealed else PLAIN, events, seconds)
        check_log(databases.store, events=before + events, customers=customers)
        check_sealed(databases.store, before + events, sealed=sealed)


def main() -> None:
    """Run it and print."""
    chosen = options("sealing on against off", 20_000)
    with world() as at:
        tables = run(chosen, at)
    shown = (rates.table(PLAIN) for rates in tables)
    report(f"Sealing, appends with {IN_FLIGHT} in flight", chosen, *shown)


if __name__ == "__main__":
    main()
