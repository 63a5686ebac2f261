"""How a store begins: one ring, one row about itself, refused where something does not fit."""

from pathlib import Path

import pytest

from backbone.migrating import migrated
from backbone.wiring import open_history, open_store
from schemas.errors import Broken
from store.info import FORMAT
from store.ring import Ring, RingFault
from tests.store_processes import found_and_tell, processes
from tests.stores import PARTITIONS, SECONDS_MAX, ask, count, opened, report


def test_processes_that_start_at_once_found_one_store_with_one_ring(
    database: str, tmp_path: Path
) -> None:
    start, told = processes.Event(), processes.SimpleQueue()
    starting = [
        processes.Process(target=found_and_tell, args=(database, tmp_path / "ring", start, told))
        for _ in range(6)
    ]
    for process in starting:
        process.start()
    start.set()
    stores = {told.get() for _ in starting}
    for process in starting:
        process.join(SECONDS_MAX)
        assert process.exitcode == 0

    assert len(stores) == 1
    assert count(database, "store_info") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["ring"]


def test_another_partition_count_is_refused_with_what_to_do(database: str, tmp_path: Path) -> None:
    with opened(database, tmp_path / "ring"):
        pass
    with (
        pytest.raises(Broken, match=f"set BACKBONE_PARTITIONS={PARTITIONS}"),
        open_store(database, tmp_path / "ring", PARTITIONS + 1),
    ):
        pass


def test_a_store_with_rows_never_gets_a_new_ring(database: str, tmp_path: Path) -> None:
    with opened(database, tmp_path / "ring") as store:
        report(store, "crm:1", "a")

    with pytest.raises(RingFault, match="restore its backup"), opened(database, tmp_path / "new"):
        pass
    assert not (tmp_path / "new").exists()


def test_a_ring_that_was_made_before_a_crash_is_taken_over(database: str, tmp_path: Path) -> None:
    made = Ring.create(tmp_path / "ring")

    with opened(database, tmp_path / "ring") as store:
        assert store.info.ring == made.identity


def test_where_no_ring_can_be_made_the_store_gets_no_row(database: str, tmp_path: Path) -> None:
    (tmp_path / "ring").write_text("a file in the way")

    with pytest.raises(RingFault), opened(database, tmp_path / "ring"):
        pass
    assert count(database, "store_info") == 0


def test_another_format_is_refused_with_what_to_do(database: str, tmp_path: Path) -> None:
    with opened(database, tmp_path / "ring"):
        pass
    ask(database, "UPDATE store_info SET format = format + 1")

    with (
        pytest.raises(Broken, match=f"this release reads format {FORMAT}"),
        opened(database, tmp_path / "ring"),
    ):
        pass
    with pytest.raises(Broken, match="format"), open_history(database):
        pass


def test_a_store_that_was_never_started_has_no_history(database: str) -> None:
    with migrated(database, "store"):
        pass
    with pytest.raises(Broken, match="never started"), open_history(database):
        pass
