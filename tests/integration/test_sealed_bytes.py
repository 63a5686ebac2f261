"""No personal value is found in any byte that is written, whatever happens on the way.

The twin takes the sealing out and must find all of them, else it is compression that hides them.
"""

import logging
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from uuid import UUID

import psycopg
from fastapi.testclient import TestClient

from backbone.databases import Databases
from backbone.embedded import Server, running
from backbone.program import Program, running_program
from backbone.settings import Settings
from backbone.wiring import conninfo, open_history
from consumers.rebuilding import Rebuild
from consumers.store_watch import StoreWatch
from projections.registry import VIEWS
from store.sealing import DataKey, Seal, seal
from tests.e2e.processes import data_folder
from tests.serving import ADDRESS, complaint, purchase

PLANTED = {
    "name": b"Zephyrine Quillfeather",
    "phone": b"470123987",
    "e-mail": b"zephyrine.quill@planted.example",
    "note": b"the violet umbrella stayed on tram ninety-two",
    "order number": b"ORD-77431-ZQ",
}
PHONE = "+32470123987"
TEXT = {name: value.decode() for name, value in PLANTED.items()}


def not_at_all(_key: DataKey, _subject: str, _event_id: UUID, value: str) -> str:
    """Sealing, taken out."""
    return value


@dataclass
class Written:
    """Every byte that left the program: files of the data folder, log records, answers."""

    answers: list[bytes] = field(default_factory=list)
    logs: list[bytes] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)

    def places_of(self, planted: bytes) -> list[str]:
        """Where a planted value stands."""
        found = [f"answer {i}" for i, answer in enumerate(self.answers) if planted in answer]
        found += [f"log record {i}" for i, record in enumerate(self.logs) if planted in record]
        return found + [name for name, content in self.files.items() if planted in content]


class _Kept(logging.Handler):
    def __init__(self, written: Written) -> None:
        super().__init__()
        self._written = written
        self.setFormatter(logging.Formatter("%(name)s %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        self._written.logs.append(self.format(record).encode())


@contextmanager
def logged(written: Written) -> Iterator[None]:
    """Keep every log record, the finest ones of the libraries too."""
    root, handler = logging.getLogger(), _Kept(written)
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        root.removeHandler(handler)
        root.setLevel(level)


def good_requests(http: TestClient) -> None:
    """Given a registration, a purchase and a complaint that hold all five values."""
    registration = {
        "party": "person",
        "relationship": "customer",
        "name_full": TEXT["name"],
        "points": [
            {"kind": "phone", "value": PHONE},
            {"kind": "email", "value": TEXT["e-mail"]},
        ],
    }
    answer = http.post("/v1/customers/crm:1/register", json=registration)
    assert answer.status_code == 201
    events = [
        purchase(f"phone:{PHONE}", data={"receipt": TEXT["order number"]}),
        complaint(f"email:{TEXT['e-mail']}", TEXT["note"]),
        purchase("crm:1", data={"order": TEXT["order number"]}),
    ]
    for event in events:
        answer = http.post("/v1/events", json=event)
        assert answer.status_code == 201, answer.text


def bad_requests(http: TestClient, written: Written) -> None:
    """When each value also stands where it is refused, in the body, its keys and the headers."""
    for value in TEXT.values():
        bad = [
            purchase("crm:2", data={"net": value}),
            purchase("crm:2", data={value: 1}),
            purchase("crm:2", data={"channel": "\x00" + value}),
            purchase("crm:2", data={"receipt": value * 30}),
            purchase("crm:2", time=value),
            purchase(f"@{value}"),
            purchase("crm:2") | {value: "x"},
            complaint("crm:2", "~1." + value),
        ]
        for event in bad:
            answer = http.post("/v1/events", json=event)
            assert 400 <= answer.status_code < 500
            written.answers.append(answer.content)
        broken = http.post("/v1/events", content='{"id": "' + value)
        nobody = http.post("/v1/customers/lookup", json={"identifier": f"email:x{value}"})
        written.answers += [broken.content, nobody.content]


def rebuild(program: Program, at: Databases) -> None:
    """And every view is rebuilt."""
    watch = StoreWatch(at.store)
    watch.start()
    try:
        with open_history(at.store) as history:
            for view in VIEWS:
                assert Rebuild(view, program.views, history, watch).run().switched
    finally:
        watch.stop()


def read_all(folder: Path) -> dict[str, bytes]:
    """Every file of the data folder: tables, write-ahead log, server's log."""
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file()
    }


def everything(how: Seal) -> Written:
    """Run all of it on a server of its own, crash in it, and collect what was written."""
    written = Written()
    with data_folder() as folder, logged(written):
        settings = replace(
            Settings.from_environment({}), data_dir=folder, ring_dir=folder.with_name("ring")
        )
        with running(folder) as server:
            at = _at(server)
            with running_program(settings, at, seal=how) as program:
                http = TestClient(program.app, base_url=ADDRESS)
                good_requests(http)
                bad_requests(http, written)
            os.kill(server.pid, signal.SIGKILL)
        with running(folder) as server:
            at = _at(server)
            with running_program(settings, at, seal=how) as program:
                rebuild(program, at)
            for url in (at.store, at.views):
                with psycopg.connect(conninfo(url), autocommit=True) as connection:
                    connection.execute("CHECKPOINT")
        written.files = read_all(folder)
    return written


def _at(server: Server) -> Databases:
    return Databases(server.url("store"), server.url("views"))


def test_no_planted_value_is_found_in_files_logs_or_answers() -> None:
    written = everything(seal)
    assert any("pg_wal" in name for name in written.files)
    assert written.logs
    for name, planted in PLANTED.items():
        assert not written.places_of(planted), name


def test_with_the_sealing_out_every_planted_value_is_found() -> None:
    written = everything(not_at_all)
    for name, planted in PLANTED.items():
        assert any("base" in place for place in written.places_of(planted)), name
