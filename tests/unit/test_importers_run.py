"""A run counts what became of everything, and can be stopped anywhere and run again."""

import os
import signal
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from importers.items import Damaged, Fault, Importable, Origin, Row
from importers.run import run
from importers.summary import SHOWN_MAX, Summary
from schemas.errors import Unavailable
from tests.importing import Answer, Memory


class Numbers:
    """A source of complaints about numbers; the damaged ones are told."""

    things = "complaints"

    def __init__(self, folder: Path, total: int, damaged: Sequence[int] = ()) -> None:
        self.total = total
        self.origin = Origin(folder / "numbers.csv", ("number",), installed=False)
        self._damaged = damaged

    def __iter__(self) -> Iterator[Importable | Damaged]:
        for number in range(1, self.total + 1):
            rows = (Row(number, (number,)),)
            if number in self._damaged:
                fault = Fault(number, "number", "is unlucky")
                yield Damaged("numbers.csv", (fault,), rows)
            else:
                yield Importable(event(number), rows)


def event(number: int) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": str(number),
        "source": "numbers",
        "type": "complaint.made",
        "subject": f"crm:{number}",
        "data": {"channel": "web", "via": "direct", "issue": str(number)},
    }


def ran(source: Numbers, memory: Memory, **more: Any) -> Summary:
    return run(source, memory.submit, rejects_elsewhere=source.origin.file.parent, **more)


def test_everything_is_recorded_once_in_batches(tmp_path: Path) -> None:
    memory, told = Memory(), list[tuple[int, int]]()
    summary = ran(Numbers(tmp_path, 2_500), memory, progress=lambda *at: told.append(at))
    assert summary.text() == "2,500 complaints: 2,500 recorded."
    assert summary.clean
    assert memory.batches == [1_000, 1_000, 500]
    assert told == [(0, 2_500), (1_000, 2_500), (2_000, 2_500), (2_500, 2_500)]


def test_importing_twice_changes_nothing_and_says_so(tmp_path: Path) -> None:
    memory, source = Memory(), Numbers(tmp_path, 15_032)
    ran(source, memory)
    before = dict(memory.known)
    summary = ran(source, memory)
    assert summary.text() == "15,032 complaints: 15,032 already known.\nNothing has changed."
    assert summary.clean
    assert memory.known == before


def test_a_source_without_anything_is_imported_in_no_batch(tmp_path: Path) -> None:
    memory = Memory()
    assert ran(Numbers(tmp_path, 0), memory).text() == "0 complaints: nothing to import."
    assert memory.batches == []


def test_refusals_are_counted_by_field_and_reason_and_never_stop_the_rest(tmp_path: Path) -> None:
    memory = Memory()
    memory.known["numbers", "3"] = b"another content"
    summary = ran(Numbers(tmp_path, 6, damaged=(2, 5)), memory, batch_events=2)
    assert dict(summary.counts) == {"accepted": 3, "conflict": 1, "rejected": 2}
    assert not summary.clean
    assert summary.text().splitlines() == [
        "6 complaints: 3 recorded, 1 in conflict with what is recorded, 2 rejected.",
        "  2 times: number is unlucky",
        "  1 times: id already stands for another content",
        "numbers.csv, row 2: number is unlucky",
        "numbers.csv, row 3: id already stands for another content",
        "numbers.csv, row 5: number is unlucky",
        f"What was refused is in {tmp_path / 'numbers.rejects.csv'}, with all its rows: "
        "mend it and import that file.",
    ]


def test_a_file_full_of_damage_is_told_in_a_screenful(tmp_path: Path) -> None:
    summary = ran(Numbers(tmp_path, 1_500, damaged=range(1, 1_501)), Memory())
    lines = summary.text().splitlines()
    assert len(lines) == SHOWN_MAX + 4
    assert f"and {1_500 - SHOWN_MAX:,} more" in lines


def test_ctrl_c_ends_the_run_after_the_batch_in_hand(tmp_path: Path) -> None:
    memory, source = Memory(), Numbers(tmp_path, 30, damaged=(1,))
    handler = signal.getsignal(signal.SIGINT)

    def submit(batch: Sequence[dict[str, Any]]) -> list[Answer]:
        if len(memory.batches) == 1:
            os.kill(os.getpid(), signal.SIGINT)
        return memory.submit(batch)

    summary = run(source, submit, rejects_elsewhere=tmp_path, batch_events=10)
    assert signal.getsignal(signal.SIGINT) is handler
    assert (summary.interrupted, summary.done, len(memory.known)) == (True, 20, 19)
    assert "Stopped at 20 of 30. Run it again to go on" in summary.text()
    assert summary.rejects is not None
    assert not summary.clean
    again = ran(Numbers(tmp_path, 30), memory)
    assert dict(again.counts) == {"duplicate": 19, "accepted": 11}


def test_ctrl_c_a_second_time_stops_at_once(tmp_path: Path) -> None:
    memory = Memory()

    def submit(batch: Sequence[dict[str, Any]]) -> list[Answer]:
        if memory.batches:
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)
        return memory.submit(batch)

    summary = run(Numbers(tmp_path, 30), submit, rejects_elsewhere=tmp_path, batch_events=10)
    assert (summary.interrupted, summary.done, len(memory.known)) == (True, 10, 10)


def test_ctrl_c_in_the_last_batch_leaves_nothing_to_do_again(tmp_path: Path) -> None:
    memory = Memory()

    def submit(batch: Sequence[dict[str, Any]]) -> list[Answer]:
        os.kill(os.getpid(), signal.SIGINT)
        return memory.submit(batch)

    summary = run(Numbers(tmp_path, 5), submit, rejects_elsewhere=tmp_path)
    assert summary.clean


def test_in_another_thread_it_runs_as_well(tmp_path: Path) -> None:
    found: list[Summary] = []
    source, memory = Numbers(tmp_path, 3), Memory()
    thread = threading.Thread(target=lambda: found.append(ran(source, memory)))
    thread.start()
    thread.join()
    assert found[0].clean


def test_a_fault_of_the_world_passes_through_and_what_was_rejected_is_kept(tmp_path: Path) -> None:
    memory = Memory()

    def submit(batch: Sequence[dict[str, Any]]) -> list[Answer]:
        if memory.batches:
            raise Unavailable("the store cannot be reached")
        return memory.submit(batch)

    source = Numbers(tmp_path, 30, damaged=(4,))
    with pytest.raises(Unavailable):
        run(source, submit, rejects_elsewhere=tmp_path, batch_events=10)
    assert (tmp_path / "numbers.rejects.csv").is_file()
    assert ran(Numbers(tmp_path, 30), memory).counts["accepted"] == 21


def test_an_answer_too_few_is_not_passed_over(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="shorter"):
        run(Numbers(tmp_path, 3), lambda _batch: [Answer("accepted")], rejects_elsewhere=tmp_path)
