"""A profile by id over HTTP, against the same program answering from a dict.

Fifty connections that stay open, each asking again as soon as it is answered. The peer has the same
routes, opening and encoding; only its databases are taken out: who lives, and what the rows are, is
in memory.
"""

import asyncio
import random
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import orjson
from fastapi import FastAPI
from sqlalchemy import Connection

from api.reading import Snapshot, ViewReader
from backbone.databases import Databases
from backbone.program import Program, running_program
from backbone.wiring import open_store
from benchmarks.append import kept_in_flight
from benchmarks.measuring import (
    PARTITIONS,
    Options,
    Rates,
    World,
    WrongResult,
    check,
    options,
    report,
    world,
)
from benchmarks.sent import drafts, purchases
from benchmarks.served import Opened, served, settings, whole_program
from benchmarks.stored import check_profiles
from projections.customers import customers
from projections.profile import PROFILE
from projections.view import View
from store.drafts import Append
from store.subjects import Subjects

CONNECTIONS = 50
EVENTS_A_CUSTOMER = 10
FILL_IN_FLIGHT = 1_000
CATCH_UP_SECONDS_MAX = 600
ANSWERS_SECONDS_MAX = 300
"""An answer that never comes is a fault, and no long silence."""
CUSTOMERS = 2_000
READ, DICT = "profile by id", "same app, from a dict"


def run(chosen: Options, at: World) -> Rates:
    """One store and its views, read by both in turn, as often as asked for."""
    rates = Rates("answers/s")
    with at.databases() as (databases, ring):
        subjects = _fill(databases, ring)
        apps: dict[str, Opened] = {READ: whole_program, DICT: from_dict}
        for _ in range(chosen.runs):
            for name, opened in apps.items():
                with served(opened, databases, ring) as address:
                    host, _, port = address.rpartition(":")
                    paths = _paths(subjects, chosen.events)
                    asyncio.run(_asked(host, int(port), paths[: len(paths) // 10]))
                    began = time.perf_counter()
                    answered = asyncio.run(_asked(host, int(port), paths))
                    rates.add(name, answered, time.perf_counter() - began)
                    check(answered, chosen.events, "answers")
    return rates


@contextmanager
def from_dict(at: Databases, ring: Path) -> Iterator[FastAPI]:
    """The whole program, its reads answered from memory."""
    with running_program(settings(ring), at) as program:
        known, sequences = _held(program)

        def read(
            _reader: ViewReader,
            view: View,
            subjects: Collection[str],
            _query: Callable[[Connection, int], object],
        ) -> tuple[object, Snapshot]:
            found = {subject: known[subject] for subject in subjects}
            return found, Snapshot(view.name, sequences, frozenset())

        def living(_subjects: Subjects, asked: Sequence[str]) -> list[str | None]:
            return [subject if subject in known else None for subject in asked]

        with patch.object(ViewReader, "read", read), patch.object(Subjects, "living", living):
            yield program.app


def _held(program: Program) -> tuple[dict[str, Any], dict[int, int]]:
    """Every customer, and how far the view has come."""
    heads = program.store.history.heads().items()
    with program.views.connect() as connection:
        subjects = [row[0] for row in connection.exec_driver_sql("SELECT subject FROM profile_g1")]
        return customers(connection, 1, subjects), {p: sequence for p, (sequence, _) in heads}


def _fill(at: Databases, ring: Path) -> list[str]:
    """A store of so many customers, its views up to its head; the customers' subjects."""
    events = CUSTOMERS * EVENTS_A_CUSTOMER
    with open_store(at.store, ring, PARTITIONS) as store:
        ready = [Append((draft,)) for draft in drafts(store, purchases(events, CUSTOMERS))]
        kept_in_flight(store.appender.submit, ready, FILL_IN_FLIGHT)
    with running_program(settings(ring), at) as program:
        until = time.monotonic() + CATCH_UP_SECONDS_MAX
        while any(health.state != "fresh" for health in program.projecting.health()):
            if time.monotonic() > until:
                raise WrongResult("the views do not come up to the log's head")
            time.sleep(0.1)
        check_profiles(at.views, events)
        return list(_held(program)[0])


def _paths(subjects: Sequence[str], count: int) -> list[str]:
    chosen = random.Random(1)
    return [f"/v1/customers/{chosen.choice(subjects)}" for _ in range(count)]


async def _asked(host: str, port: int, paths: Sequence[str]) -> int:
    """Ask for all paths over connections that stay open; how many were answered rightly."""
    shares = [paths[n::CONNECTIONS] for n in range(CONNECTIONS)]
    async with asyncio.timeout(ANSWERS_SECONDS_MAX):
        return sum(await asyncio.gather(*(_asked_in_turn(host, port, share) for share in shares)))


async def _asked_in_turn(host: str, port: int, paths: Sequence[str]) -> int:
    reader, writer = await asyncio.open_connection(host, port)
    for path in paths:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        body = await reader.readexactly(_length(head))
        check(head.split(b" ", 2)[1], b"200", "status")
        _check_answer(orjson.loads(body), path.rpartition("/")[2])
    writer.close()
    await writer.wait_closed()
    return len(paths)


def _length(head: bytes) -> int:
    lines = head.lower().split(b"\r\n")
    return next(int(line[15:]) for line in lines if line.startswith(b"content-length:"))


def _check_answer(answer: Any, subject: str) -> None:
    data = answer["data"]
    (identifier,) = data["identifiers"]
    found = data["subjects"], data["purchases"]["count"], answer["freshness"]["state"]
    check(found, ([subject], EVENTS_A_CUSTOMER, "fresh"), "the answer")
    check(identifier["value"].startswith("~1."), False, "a value that is still sealed")


def main() -> None:
    """Run it and print."""
    chosen = options("profile by id over HTTP against the same app answering from a dict", 20_000)
    with world() as at:
        rates = run(chosen, at)
    title = f"Reading: {PROFILE.name} by id over {CONNECTIONS} open connections"
    report(title, chosen, rates.table(DICT))


if __name__ == "__main__":
    main()
