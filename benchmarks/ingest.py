"""Batches over HTTP against the fastest that the same table takes: raw `INSERT … SELECT unnest`.

The raw side writes the very rows that HTTP has left, position, version and sequence included, a
thousand a commit: what the appender's groups are. So the ratio is what reading, checking, settling,
sealing and answering cost.
"""

import http.client
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import orjson
import psycopg

from backbone.databases import Databases
from backbone.migrating import migrate
from backbone.wiring import conninfo
from benchmarks.measuring import Options, Rates, World, check, options, report, seconds_of, world
from benchmarks.sent import purchases
from benchmarks.served import Opened, served, whole_program, writing_only, writing_unsealed
from benchmarks.stored import check_log, check_net, check_sealed

BATCH_EVENTS = 2_000
CONNECTIONS = 2
CUSTOMERS = 1_000
ROWS_A_COMMIT = 1_000
RAW = "raw INSERT"

_COLUMNS = """position, stream, version, event_id, partition, sequence, type, type_version, subject,
    source, occurred_at, occurred_offset_minutes, time_precision, time_basis, business_date,
    traffic, recorded_at, actor, correlation_id, causation_id, command_id, fingerprint, state"""
_TYPES = (
    *("bigint", "text", "integer", "uuid", "integer", "bigint", "text", "integer", "text"),
    *("text", "timestamptz", "integer", "text", "text", "date"),
    *("text", "timestamptz", "text", "uuid", "uuid", "uuid", "bytea", "bytea"),
)
_RAW = f"""
    INSERT INTO events ({_COLUMNS})
    SELECT * FROM unnest({", ".join(f"%b::{t}[]" for t in _TYPES)})
"""


@dataclass(frozen=True, slots=True)
class Case:
    """One way to ingest. `known` customers had their first event before the clock starts."""

    name: str
    opened: Opened
    known: bool
    sealed: bool = True


CASES = (
    Case("known, sealed", writing_only, known=True),
    Case("known, sealing off", writing_unsealed, known=True, sealed=False),
    Case("new, sealed", writing_only, known=False),
    Case("new, sealing off", writing_unsealed, known=False, sealed=False),
    Case("known, sealed, views kept up", whole_program, known=True),
)


def run(chosen: Options, at: World) -> Rates:
    """Each case and its raw peer, in turn, as often as asked for."""
    rates = Rates("events/s")
    for _ in range(chosen.runs):
        for case in CASES:
            with at.databases() as (databases, ring):
                with served(case.opened, databases, ring) as address:
                    _through_http(rates, case, chosen.events, address)
                rows = _checked(case, chosen.events, databases)
            if case is CASES[0]:
                with at.databases() as (databases, _):
                    _raw(rates, rows, databases)
    return rates


def _through_http(rates: Rates, case: Case, events: int, address: str) -> None:
    customers = CUSTOMERS if case.known else events
    if case.known:
        _post(address, _bodies(purchases(customers, customers)))
    bodies = _bodies(purchases(events, customers, first=CUSTOMERS))
    rates.add(case.name, events, seconds_of(lambda: check(_post(address, bodies), events, "taken")))


def _bodies(events: Iterable[dict[str, Any]]) -> list[bytes]:
    listed = list(events)
    starts = range(0, len(listed), BATCH_EVENTS)
    return [orjson.dumps(listed[start : start + BATCH_EVENTS]) for start in starts]


def _post(address: str, bodies: Sequence[bytes]) -> int:
    """Send the batches over a few connections; how many events were accepted."""
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        shares = [bodies[n::CONNECTIONS] for n in range(CONNECTIONS)]
        return sum(pool.map(partial(_post_share, address), shares))


def _post_share(address: str, bodies: Sequence[bytes]) -> int:
    connection = http.client.HTTPConnection(address)
    accepted = 0
    for body in bodies:
        kind = {"Content-Type": "application/cloudevents-batch+json"}
        connection.request("POST", "/v1/events", body, kind)
        answer = connection.getresponse()
        said = answer.read()
        check(answer.status, 200, "status")
        accepted += orjson.loads(said)["accepted"]
    connection.close()
    return accepted


def _checked(case: Case, events: int, at: Databases) -> list[tuple[Any, ...]]:
    """The rows that HTTP has left, after proving that they are the right ones."""
    total = events + (CUSTOMERS if case.known else 0)
    check_log(at.store, events=total, customers=CUSTOMERS if case.known else events)
    check_net(at.store, total)
    check_sealed(at.store, total, sealed=case.sealed)
    with psycopg.connect(conninfo(at.store)) as connection, connection.cursor(binary=True) as log:
        query = f"SELECT {_COLUMNS} FROM events ORDER BY position"
        return log.execute(query.encode()).fetchall()


def _raw(rates: Rates, rows: Sequence[tuple[Any, ...]], at: Databases) -> None:
    with psycopg.connect(conninfo(at.store), autocommit=True) as connection:
        migrate(connection, "store")
        groups = [
            [list(column) for column in zip(*rows[start : start + ROWS_A_COMMIT], strict=True)]
            for start in range(0, len(rows), ROWS_A_COMMIT)
        ]

        def insert() -> None:
            for columns in groups:
                connection.execute(_RAW.encode(), columns, binary=True)

        rates.add(RAW, len(rows), seconds_of(insert))
    customers = len({row[8] for row in rows})
    check_log(at.store, events=len(rows) - customers, customers=customers)


def main() -> None:
    """Run it and print."""
    chosen = options("HTTP batches against raw INSERT into the same table", 40_000)
    with world() as at:
        rates = run(chosen, at)
    title = f"Ingest: batches of {BATCH_EVENTS:,} purchases over {CONNECTIONS} connections"
    report(title, chosen, rates.table(RAW))


if __name__ == "__main__":
    main()
