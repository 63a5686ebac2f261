"""The log read back: by position, by partition, by subject; sealed, and as today's version."""

from collections.abc import Iterator
from datetime import UTC, date, timedelta
from itertools import count
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

from backbone.wiring import Store, conninfo, open_history
from schemas.envelope import Event, When
from schemas.partitioning import partition_of
from tests.stores import PARTITIONS, T0, append, ask, complaint, opened, report, subject_of

PEOPLE = 40
"""So many that no partition stays empty, wherever their random names put them."""
EVENTS = 48


@pytest.fixture
def store(database: str, tmp_path: Path) -> Iterator[Store]:
    with opened(database, tmp_path / "ring") as store:
        for n in range(EVENTS):
            report(store, f"crm:{n % PEOPLE}", f"n{n}")
        yield store


def numbers(events: list[Event], partition: int) -> list[int]:
    return [event.sequence for event in events if event.partition == partition]


def test_every_event_comes_by_position_and_by_sequence(store: Store) -> None:
    by_position = store.history.from_position(0, 1_000)
    by_sequence = store.history.after(dict.fromkeys(range(PARTITIONS), 0), 1_000)

    assert [event.position for event in by_position] == list(range(1, PEOPLE + EVENTS + 1))
    assert sorted(by_sequence, key=lambda event: event.position) == by_position
    for partition in range(PARTITIONS):
        dense = [n for n, _ in zip(count(1), numbers(by_sequence, partition), strict=False)]
        assert numbers(by_sequence, partition) == dense
    assert all(e.partition == partition_of(e.subject, PARTITIONS) for e in by_position)


def test_a_reader_goes_on_where_it_was_in_the_partitions_that_it_owns(store: Store) -> None:
    owned = {1: 0, 3: 2}
    seen = []
    while events := store.history.after(owned, 3):
        seen += events
        owned |= {event.partition: event.sequence for event in events}

    heads = store.history.heads()
    assert {partition: heads[partition][0] for partition in owned} == owned
    assert len(seen) == owned[1] + owned[3] - 2
    assert store.history.from_position(40, 5)[0].position == 41


def test_heads_and_who_waits_since_when(store: Store) -> None:
    heads = store.history.heads()
    events = {event.position: event for event in store.history.from_position(0, 1_000)}
    last = {partition: sequence for partition, (sequence, _) in heads.items()}

    assert max(position for _, position in heads.values()) == len(events)
    assert store.history.waiting_since(last) == {}
    behind = last | {2: last[2] - 1}
    assert store.history.waiting_since(behind) == {2: events[heads[2][1]].recorded_at}


def test_the_envelope_comes_back_as_it_went_in(store: Store) -> None:
    causing = store.history.from_position(0, 1)[0]
    when = When(T0, "hour", "assumed", date(2026, 2, 28), "test")
    draft = complaint(
        store,
        "crm:1",
        "x",
        when=when,
        correlation_id=causing.correlation_id,
        causation_id=causing.event_id,
    )
    append(store, draft)

    event = store.history.event(draft.event_id)

    assert event is not None
    assert (event.precision, event.basis, event.traffic) == ("hour", "assumed", "test")
    assert (event.business_day, event.occurred_at) == (date(2026, 2, 28), T0)
    assert (event.correlation_id, event.causation_id) == (
        causing.correlation_id,
        causing.event_id,
    )
    assert (event.type, event.version, event.source) == ("complaint.made", 1, "shop")
    assert event.data == {"channel": "voice", "via": "direct", "issue": "late"}


@pytest.mark.parametrize(
    ("at", "day"),
    [
        ("2026-03-01T00:30:00+14:00", date(2026, 3, 1)),
        ("2026-03-01T23:30:00-12:00", date(2026, 3, 1)),
        ("1900-01-01T00:00:00+00:00", date(1900, 1, 1)),
        ("2200-12-31T23:59:59.999999-09:30", date(2200, 12, 31)),
    ],
)
def test_the_business_day_is_the_local_date_in_the_channels_offset(
    store: Store, at: str, day: date
) -> None:
    moment = T0.fromisoformat(at)
    draft = complaint(store, "crm:1", "x", when=When(moment))
    append(store, draft)

    event = store.history.event(draft.event_id)

    assert event is not None
    assert event.occurred_at.isoformat() == moment.isoformat()
    assert event.business_day == day
    assert event.recorded_at.utcoffset() == timedelta(0)


def test_recorded_time_is_utc_whatever_the_servers_zone(store: Store, database: str) -> None:
    before = store.history.from_position(0, 5)
    ask(database, f'ALTER DATABASE "{make_url(database).database}" SET timezone = "Asia/Tokyo"')

    with open_history(database) as history:
        after = history.from_position(0, 5)

    assert after == before
    assert {event.recorded_at.tzinfo for event in after} == {UTC}


def test_the_history_needs_no_ring(store: Store, database: str) -> None:
    with open_history(database) as history:
        assert history.from_position(0, 100) == store.history.from_position(0, 100)


def test_a_subjects_history_is_its_own_and_one_range_of_one_index(
    store: Store, database: str
) -> None:
    subject = subject_of(store, "crm:3")
    assert subject is not None
    events = store.history.of_subject(subject)

    assert {event.subject for event in events} == {subject}
    assert len(events) == 1 + 2
    with psycopg.connect(conninfo(database)) as connection:
        connection.execute("SET enable_seqscan = off")
        plan = connection.execute(
            "EXPLAIN SELECT * FROM events WHERE stream >= %s AND stream < %s ORDER BY position",
            [f"{subject}/", f"{subject}0"],
        ).fetchall()
    lines = " ".join(line for (line,) in plan)
    assert "events_stream_version_key" in lines
    assert "Filter" not in lines


def test_what_is_compared_by_byte_is_collated_so(store: Store, database: str) -> None:
    assert store.info.partitions == PARTITIONS
    collations = ask(
        database,
        """
        SELECT a.attrelid::regclass::text, a.attname, c.collname
        FROM pg_attribute a JOIN pg_collation c ON c.oid = a.attcollation
        WHERE (a.attrelid, a.attname) IN (
            ('events'::regclass, 'stream'), ('events'::regclass, 'subject'),
            ('events'::regclass, 'type'), ('identifiers'::regclass, 'subject'),
            ('subject_keys'::regclass, 'subject'))
        """,
    )
    assert len(collations) == 5
    assert {name for _, _, name in collations} == {"C"}


def test_a_stretch_of_the_log_can_be_read_as_json(store: Store, database: str) -> None:
    assert store.info.partitions == PARTITIONS
    ((state,),) = ask(database, "SELECT state FROM events_readable WHERE position = 2")
    assert state["issue"] == "late"
