"""Many processes write at once; whoever reads meanwhile misses nothing and sees nothing twice."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from backbone.wiring import open_history
from schemas.envelope import Event
from store.drafts import Append
from store.history import History
from tests.store_processes import PEOPLE, erase_all, processes, report_and_tell, write_much
from tests.stores import PARTITIONS, SECONDS_MAX, ask, complaint, count, opened, report, types

PROCESSES = 4
WRITERS = 2 * PROCESSES
READ_MAX = 400
TURNS_MAX = 5
"""So few at a time that a reader meets many different ends of the log."""


@dataclass
class Tail:
    """What one reader saw, in the order in which it saw it."""

    read: Callable[[], list[Event]]
    events: list[tuple[int, int, int, str, int]] = field(default_factory=list)

    def step(self) -> bool:
        """Read what comes next; False when there is nothing."""
        events = self.read()
        self.events += [
            (e.position, e.partition, e.sequence, e.stream, e.stream_version) for e in events
        ]
        return bool(events)


def by_position(history: History, read_max: int) -> Tail:
    at = 0

    def read() -> list[Event]:
        nonlocal at
        events = history.from_position(at, read_max)
        at = events[-1].position if events else at
        return events

    return Tail(read)


def by_sequence(history: History, read_max: int) -> Tail:
    at = dict.fromkeys(range(PARTITIONS), 0)

    def read() -> list[Event]:
        events = history.after(at, read_max)
        at.update((event.partition, event.sequence) for event in events)
        return events

    return Tail(read)


@dataclass
class Run:
    """What happened while eight writers wrote and two readers read."""

    written: int
    """Receipts that the writers got."""
    failures: int
    heads: int
    """How many different ends of the log the readers saw while it was written."""
    stored: list[tuple[int, int, int, str, int]]
    tails: dict[str, Tail]

    def broken(self) -> set[str]:
        """The invariants that do not hold, by name."""
        broken = set()
        for name, tail in self.tails.items():
            seen = Counter(tail.events)
            if set(self.stored) - seen.keys():
                broken.add(f"the reader {name} missed events")
            if max(seen.values()) > 1:
                broken.add(f"the reader {name} saw events twice")
            if not _dense(tail.events):
                broken.add(f"the reader {name} saw numbers out of order")
        if [row[0] for row in self.stored] != list(range(1, len(self.stored) + 1)):
            broken.add("positions are not 1, 2, 3 …, each once")
        if not _dense(self.stored):
            broken.add("sequences or versions are not 1, 2, 3 …, each once, in order of position")
        return broken


def _dense(rows: list[tuple[int, int, int, str, int]]) -> bool:
    """Whether each partition's sequences and each stream's versions come as 1, 2, 3 …"""
    ends: Counter[int | str] = Counter()
    for _, partition, sequence, stream, version in rows:
        ends[partition] += 1
        ends[stream] += 1
        if (ends[partition], ends[stream]) != (sequence, version):
            return False
    return True


def eight_writers(
    url: str, ring: Path, events: int, *, read_max: int = READ_MAX, **changes: Any
) -> Run:
    """Eight writers in four processes write `events`, while two readers follow the log."""
    start, told = processes.Event(), processes.SimpleQueue()
    each = events // WRITERS
    writing = [
        processes.Process(target=write_much, args=(url, ring, n, each, start, told, changes))
        for n in range(PROCESSES)
    ]
    for process in writing:
        process.start()
    with open_history(url) as history:
        tails = {
            "by position": by_position(history, read_max),
            "by sequence": by_sequence(history, read_max),
        }
        heads = set()
        start.set()
        while any(process.is_alive() for process in writing):
            for tail in tails.values():
                heads.add(max(position for _, position in history.heads().values()))
                tail.step()
        for tail in tails.values():
            while tail.step():
                pass
    counts = [pair for _ in writing for pair in told.get()]
    assert all(process.exitcode == 0 for process in writing)
    stored = ask(
        url, "SELECT position, partition, sequence, stream, version FROM events ORDER BY position"
    )
    written, failures = (sum(numbers) for numbers in zip(*counts, strict=True))
    return Run(written, failures, len(heads), stored, tails)


@pytest.mark.timeout(280)
def test_eight_writers_in_four_processes_and_readers_that_miss_nothing(
    database: str, tmp_path: Path
) -> None:
    with opened(database, tmp_path / "ring"):
        pass

    run = eight_writers(database, tmp_path / "ring", 50_000)

    assert run.broken() == set()
    assert (run.written, run.failures) == (50_000, 0)
    assert run.heads >= 200
    opened_subjects = types(database).count("subject.opened")
    assert len(run.stored) - opened_subjects == run.written
    assert opened_subjects == count(database, "identifiers") == PEOPLE


def without_the_lock(database: str, ring: Path) -> Run:
    """The same with the lock out, and with the unique indexes out, which would refuse a statement
    where this wants to see the log break."""
    with opened(database, ring):
        pass
    for columns, kind in (
        ("position", "pkey"),
        ("partition, sequence", "partition_sequence_key"),
        ("stream, version", "stream_version_key"),
    ):
        ask(database, f"ALTER TABLE events DROP CONSTRAINT events_{kind}")
        ask(database, f"CREATE INDEX ON events ({columns})")

    # Large reads keep the readers at the log's end, where the damage is done.
    run = eight_writers(database, ring, 12_000, read_max=5_000, locked=False)
    assert (run.written, run.failures) == (12_000, 0), "no error hides what is looked for"
    return run


def test_without_the_lock_the_same_readers_miss_events(
    new_database: Callable[[str], str], tmp_path: Path
) -> None:
    missed = "the reader by position missed events"
    for turn in range(TURNS_MAX):
        # Positions break every time; that a reader stands just there may take more than one turn.
        broken = without_the_lock(new_database("broken"), tmp_path / f"ring{turn}").broken()
        assert "positions are not 1, 2, 3 …, each once" in broken
        if missed in broken:
            return
    pytest.fail(f"in {TURNS_MAX} turns no reader missed anything without the lock")


@pytest.mark.parametrize("text", [None, "said, so that both need a content key"])
def test_two_processes_that_race_for_one_id_and_one_new_identifier(
    database: str, tmp_path: Path, text: str | None
) -> None:
    for turn in range(5):
        start, told = processes.Event(), processes.SimpleQueue()
        arguments = (database, tmp_path / "ring", f"crm:{turn}", f"a {turn}", text, start, told)
        racing = [processes.Process(target=report_and_tell, args=arguments) for _ in range(2)]
        for process in racing:
            process.start()
        start.set()
        first, second = told.get(), told.get()
        for process in racing:
            process.join(SECONDS_MAX)

        assert (first.event_ids, first.token) == (second.event_ids, second.token)
        assert {first.duplicate, second.duplicate} == {True, False}
        assert count(database, "identifiers") == turn + 1
        assert types(database) == ["subject.opened", "complaint.made"] * (turn + 1)
        keys = "SELECT count(*) FROM subject_keys WHERE class = 'content'"
        assert ask(database, keys) == [((turn + 1) if text else 0,)]


def test_two_processes_that_race_for_one_content_key_seal_with_the_same(
    database: str, tmp_path: Path
) -> None:
    with opened(database, tmp_path / "ring") as store:
        report(store, "crm:1", "first")
        start, told = processes.Event(), processes.SimpleQueue()
        racing = [
            processes.Process(
                target=report_and_tell,
                args=(database, tmp_path / "ring", "crm:1", f"a {n}", f"said {n}", start, told),
            )
            for n in range(4)
        ]
        for process in racing:
            process.start()
        start.set()
        receipts = [told.get() for _ in racing]
        for process in racing:
            process.join(SECONDS_MAX)

        assert not any(receipt.duplicate for receipt in receipts)
        events = store.history.from_position(2, 10)
        opener = store.keys.opener([events[0].subject], [event.data["text"] for event in events])
        said = {opener.open(event.data["text"]) for event in events}
    assert said == {f"said {n}" for n in range(4)}
    assert count(database, "subject_keys") == 2


def test_writers_and_erasures_of_the_same_people_at_once(database: str, tmp_path: Path) -> None:
    with opened(database, tmp_path / "ring") as store:
        for draft in [complaint(store, f"crm:{n}", f"before {n}") for n in range(PEOPLE)]:
            last = store.appender.submit(Append((draft,)))
        last.result(SECONDS_MAX)
    start, told = processes.Event(), processes.SimpleQueue()
    ring = tmp_path / "ring"
    running = [
        processes.Process(target=write_much, args=(database, ring, n, 500, start, told, {}))
        for n in range(2)
    ]
    running.append(processes.Process(target=erase_all, args=(database, ring, PEOPLE, start)))
    for process in running:
        process.start()
    start.set()
    counts = [pair for _ in running[:2] for pair in told.get()]
    for process in running:
        process.join(SECONDS_MAX)
        assert process.exitcode == 0

    # Whoever writes in the very moment of an erasure is asked to come again; nobody else is.
    assert types(database).count("complaint.made") == PEOPLE + sum(n for n, _ in counts)
    assert sum(failures for _, failures in counts) < 100
    stored = ask(
        database,
        "SELECT position, partition, sequence, stream, version FROM events ORDER BY position",
    )
    assert _dense(stored)
    behind_an_erasure = """
        SELECT count(*) FROM events e JOIN events x ON x.subject = e.subject
        WHERE x.type = 'subject.erased' AND e.position > x.position
    """
    assert ask(database, behind_an_erasure) == [(0,)]
    half_erased = """
        SELECT count(*) FROM subject_keys a JOIN subject_keys b USING (subject)
        WHERE a.wrapped IS NULL AND b.wrapped IS NOT NULL
    """
    assert ask(database, half_erased) == [(0,)]
    assert types(database).count("subject.erased") == PEOPLE
