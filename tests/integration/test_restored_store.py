"""A database put back from before an erasure: who was erased stays erased, and may come again."""

from collections.abc import Callable
from pathlib import Path

from fastapi.testclient import TestClient

from backbone.databases import Databases
from backbone.program import running_program
from backbone.settings import Settings
from commands.erasure import EraseCustomer
from domain.access import LOCAL
from schemas.identifiers import parse_identifier
from tests.serving import ADDRESS, complaint
from tests.stores import ask, restored_copy


def test_the_start_finishes_what_a_restored_database_has_forgotten(
    new_database: Callable[[str], str], tmp_path: Path
) -> None:
    settings = Settings.from_environment({"BACKBONE_DATA_DIR": str(tmp_path / "data")})
    at = Databases(new_database("store"), new_database("views"))
    event = complaint("crm:1")
    with running_program(settings, at) as program:
        before = TestClient(program.app, base_url=ADDRESS).post("/v1/events", json=event).json()
    backup = restored_copy(at.store, new_database)
    with running_program(settings, at) as program:
        store = program.store
        command = EraseCustomer(store.ids, store.subjects, store.history, store.eraser)
        command.erase(LOCAL, command.plan(LOCAL, parse_identifier("crm:1", "BE")))

    restored = Databases(backup, new_database("views"))
    with running_program(settings, restored) as program:
        http = TestClient(program.app, base_url=ADDRESS)
        assert http.get("/v1/customers/crm:1").status_code == 404
        again = http.post("/v1/events", json=event)
        assert again.json() == {"duplicate": True, "erased": True}
        anew = http.post("/v1/events", json=complaint("crm:1")).json()
        assert anew["stream"].partition("/")[0] != before["stream"].partition("/")[0]
    query = "SELECT count(*) FROM events WHERE type = 'subject.erased'"
    assert ask(backup, query) == [(1,)]
    living = "SELECT count(*) FROM subject_keys WHERE wrapped IS NOT NULL AND subject = %s"
    assert ask(backup, living, [before["stream"].partition("/")[0]]) == [(0,)]
