"""The command line as operators and auditors use it, beside a running program and without one."""

import json
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.processes import Up, backbone, data_folder
from tests.importing import folder_of, line
from tests.serving import complaint, purchase

REGISTRATION = {
    "party": "person",
    "relationship": "customer",
    "name_full": "Ada Example",
    "points": [{"kind": "phone", "value": "+32 2 555 01 01"}],
}


@pytest.fixture(scope="module")
def told() -> Iterator[Path]:
    """Given a registration, a purchase and a complaint, recorded and in the views."""
    with data_folder() as data_dir:
        with Up(data_dir) as program:
            program.http.post("/v1/customers/crm:1/register", json=REGISTRATION)
            program.post(purchase("crm:1", id="p-1"))
            token = program.post(complaint("crm:1", id="c-1")).json()["token"]
            for path in ("", "/timeline"):
                program.http.get(f"/v1/customers/crm:1{path}?at_least={token}")
        yield data_dir


def asked(data_dir: Path, *arguments: str) -> Any:
    answer = backbone(data_dir, *arguments)
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout)


def test_status_tells_how_far_every_view_is(told: Path) -> None:
    seen = asked(told, "status", "--json")
    assert seen["store"]["events"] == 4
    assert {(v["view"], v["state"], v["events"]) for v in seen["views"]} == {
        ("profile", "fresh", 4),
        ("timeline", "fresh", 4),
    }
    assert not seen["faults"]


def test_an_event_is_shown_by_its_channels_own_number(told: Path) -> None:
    shown = asked(told, "events", "show", "--source", "shop", "c-1")
    assert shown["data"]["text"] == "It is broken."
    assert asked(told, "events", "show", shown["id"]) == shown


def test_a_views_rows_of_one_customer_are_shown_open(told: Path) -> None:
    rows = asked(told, "view", "show", "profile", "crm:1")
    assert rows["profile"][0]["who"]["name_full"] == "Ada Example"
    assert len(rows["profile_purchases"]) == 1


def test_a_rebuild_ends_with_the_same_rows_and_the_old_generation_can_be_dropped(
    told: Path,
) -> None:
    rebuilt = backbone(told, "rebuild", "profile")
    assert rebuilt.returncode == 0, rebuilt.stderr
    assert "Readers read g2 now" in rebuilt.stdout
    assert "every row is the same" in rebuilt.stderr
    assert backbone(told, "generations", "profile", "drop", "g2").returncode == 1
    assert backbone(told, "generations", "profile", "drop", "g1").returncode == 0
    left = asked(told, "generations", "profile", "list", "--json")
    assert [(g["generation"], g["state"]) for g in left] == [("g2", "active")]


def test_nobody_is_held(told: Path) -> None:
    assert asked(told, "held", "list", "--json") == []
    assert backbone(told, "held", "retry", "profile").returncode == 0


def test_the_ring_is_copied_for_its_owner_alone_and_never_over_another(told: Path) -> None:
    folder = told.with_name("copy")
    assert backbone(told, "keys", "backup", str(folder)).returncode == 0
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o600}
    assert backbone(told, "keys", "backup", str(folder)).returncode == 1


def test_partitions_that_the_store_has_not_are_refused(told: Path) -> None:
    answer = backbone(told, "project", "profile", "--partitions", "0-99")
    assert answer.returncode == 1
    assert "0 to 11" in answer.stderr


def test_an_erasure_shows_what_it_will_do_and_asks() -> None:
    with data_folder() as data_dir:
        with Up(data_dir) as program:
            program.http.post("/v1/customers/crm:1/register", json=REGISTRATION)
            program.post(complaint("crm:1", id="c-1"))
        asked_first = backbone(data_dir, "erase", "crm:1", stdin="n\n")
        assert asked_first.returncode == 1
        assert "3 events, 2 keys" in asked_first.stderr
        assert "1 contact points" in asked_first.stderr
        done = backbone(data_dir, "erase", "crm:1", "--points", "--yes")
        assert done.returncode == 0, done.stderr
        assert "Erased 2 subjects" in done.stdout
        assert backbone(data_dir, "erase", "crm:1", "--yes").returncode == 1
        shown = json.loads(backbone(data_dir, "events", "show", "--source", "shop", "c-1").stdout)
        assert shown["data"]["text"] is None
        with Up(data_dir) as program:
            again = program.post(complaint("crm:1", id="c-1"))
            assert again.json() == {"duplicate": True, "erased": True}
            assert program.http.get("/v1/customers/crm:1").status_code == 404


def test_a_damaged_import_tells_the_row_and_its_mended_rejects_are_imported(
    tmp_path: Path,
) -> None:
    good, bad = line(), line(basket_id=501, product_id=32, store_id="twelve")
    folder = folder_of(tmp_path / "in", [good, bad], {"store_id": "VARCHAR"})
    with data_folder() as data_dir:
        answer = backbone(data_dir, "import", "complete-journey", str(folder))
        assert answer.returncode == 1
        assert "1 recorded, 1 rejected" in answer.stdout
        assert "row 2: store_id is not a whole number" in answer.stdout
        rejects = folder / "transactions.rejects.csv"
        assert stat.S_IMODE(rejects.stat().st_mode) == 0o600
        rejects.write_text(rejects.read_text().replace("twelve", "12"))
        mended = backbone(data_dir, "import", "complete-journey", str(rejects))
        assert (mended.returncode, "1 recorded" in mended.stdout) == (0, True)
        again = backbone(data_dir, "import", "complete-journey", str(rejects))
        assert "1 already known" in again.stdout
