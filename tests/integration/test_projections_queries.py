"""Given events in the views, then what readers are answered."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, text

from projections.customers import customer
from projections.paging import Cursor, Page
from projections.purchases import newest_purchases
from projections.registry import VIEWS
from projections.revenue import Revenue, revenue
from projections.timeline import Entry, add, entries
from schemas.envelope import Event
from tests.integration.views import take_over, views_database
from tests.recorded import T0, complaint, erased, numbered, purchase, registered, subject

ANN, BOB = subject("ann"), subject("bob")
BRUSSELS = timezone(timedelta(hours=1))


def at(event: Event, hours: float) -> Event:
    when = T0.astimezone(BRUSSELS) + timedelta(hours=hours)
    return event._replace(occurred_at=when, business_day=when.date())


LOG = numbered(
    [
        at(registered("ann", name_given="~1.A"), 0),
        at(complaint("ann"), 2),
        at(purchase("bob", "4.00", tax_included=True), 1),
        at(complaint("ann", channel="chat"), 2),
        at(purchase("ann", "2.50", channel="in_person", tax_included=True), 30),
        at(registered("bob"), 3),
        at(purchase("ann", "1.25", tax_included=False), -1),
        at(purchase("ann", "9.99"), -1)._replace(traffic="test"),
    ]
)


@pytest.fixture
def engine(new_database: Callable[[str], str]) -> Iterator[Engine]:
    with views_database(new_database("views"), VIEWS) as engine:
        for view in VIEWS:
            take_over(engine, view, LOG)
        yield engine


@pytest.fixture
def connection(engine: Engine) -> Iterator[Connection]:
    with engine.connect() as connection:
        yield connection


def positions(found: list[Entry]) -> list[int]:
    return [entry.position for entry in found]


def test_a_customer_is_the_sum_of_his_subjects(connection: Connection) -> None:
    found = customer(connection, 1, [ANN, BOB, subject("nobody")])
    assert found is not None
    assert found.subjects == (ANN, BOB)
    assert found.who == LOG[5].data
    assert found.who_from is not None
    assert found.who_from[1:] == (6, BOB)
    assert found.first_contact_at == T0 - timedelta(hours=1)
    assert found.last_contact == (T0 + timedelta(hours=30), 5, "in_person")
    assert found.spent == {"EUR": {"true": Decimal("6.50"), "false": Decimal("1.25")}}
    assert (found.purchases, found.complaints) == (3, 2)
    assert customer(connection, 1, [subject("nobody")]) is None


def test_the_timeline_is_newest_first_and_ties_go_by_position(connection: Connection) -> None:
    found = entries(connection, 1, [ANN, BOB], Page())
    assert positions(found) == [5, 6, 4, 2, 3, 1, 8, 7]
    assert found == add(
        entries(connection, 1, [ANN], Page()), entries(connection, 1, [BOB], Page())
    )


def test_an_entry_is_the_event_in_its_channels_own_offset(connection: Connection) -> None:
    entry = entries(connection, 1, [ANN], Page())[-2]
    event = LOG[7]
    assert (entry.event_id, entry.data, entry.traffic) == (event.event_id, event.data, "test")
    assert entry.occurred_at == event.occurred_at
    assert entry.occurred_at.utcoffset() == timedelta(hours=1)
    assert (entry.business_day, entry.channel) == (event.business_day, "web")


def test_pages_follow_one_another_without_loss_or_repetition(connection: Connection) -> None:
    read: list[int] = []
    before: Cursor | None = None
    while page := entries(connection, 1, [ANN, BOB], Page(limit=3, before=before)):
        read += positions(page)
        before = Cursor(page[-1].occurred_at, page[-1].position)
    assert read == [5, 6, 4, 2, 3, 1, 8, 7]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"types": ["complaint.made"]}, [4, 2]),
        ({"types": ["customer.registered", "complaint.made"]}, [6, 4, 2, 1]),
        ({"channels": ["web"]}, [3, 8, 7]),
        ({"channels": ["web", "chat", "web"]}, [4, 3, 8, 7]),
        ({"types": ["purchase.made"], "channels": ["in_person", "fax"]}, [5]),
        ({"types": ["card.issued"]}, []),
    ],
)
def test_the_timeline_filters(
    connection: Connection, asked: dict[str, Any], expected: list[int]
) -> None:
    assert positions(entries(connection, 1, [ANN, BOB], Page(), **asked)) == expected


def test_the_timeline_takes_a_stretch_of_time(connection: Connection) -> None:
    page = Page(since=T0, until=T0 + timedelta(hours=2))
    assert positions(entries(connection, 1, [ANN, BOB], page)) == [3, 1]


def test_purchases_are_newest_first_and_live_alone(connection: Connection) -> None:
    found = newest_purchases(connection, 1, [ANN, BOB], Page(limit=2))
    assert [(row.subject, row.net) for row in found] == [(ANN, Decimal("2.5")), (BOB, 4)]
    goods = {"product": "p1", "category": "food", "quantity": "1", "unit": "piece"}
    assert found[0].lines == [goods | {"net": "2.50"}]


def test_revenue_by_day_keeps_ways_of_taxing_apart(connection: Connection) -> None:
    found = revenue(connection, 1, ["day"], date(2026, 3, 1), date(2026, 3, 31))
    assert [(r.day, r.tax_included, r.baskets, r.net) for r in found] == [
        (date(2026, 3, 1), "false", 1, Decimal("1.25")),
        (date(2026, 3, 1), "true", 1, Decimal("4.00")),
        (date(2026, 3, 2), "true", 1, Decimal("2.50")),
    ]


def test_revenue_by_other_dimensions_and_none(connection: Connection) -> None:
    first, last = date(2026, 3, 1), date(2026, 3, 2)
    by_channel = revenue(connection, 1, ["channel"], first, last)
    assert {(r.channel, r.tax_included): r.net for r in by_channel} == {
        ("in_person", "true"): Decimal("2.50"),
        ("web", "true"): Decimal("4.00"),
        ("web", "false"): Decimal("1.25"),
    }
    by_category = revenue(connection, 1, ["category", "day"], first, first)
    assert [(r.day, r.category, r.lines, r.baskets) for r in by_category] == [
        (first, "food", 1, None),
        (first, "food", 1, None),
    ]
    zero = Decimal(0)
    assert revenue(connection, 1, [], first, last, "EUR")[1] == Revenue(
        *(None, None, None, "EUR", "true", 2, Decimal("6.50"), 2),
        {"loyalty": zero, "coupon": zero, "match": zero, "other": zero},
        zero,
    )
    assert revenue(connection, 1, [], first, last, "USD") == []


def test_nothing_sealed_of_an_erased_subject_is_left_in_any_table(engine: Engine) -> None:
    gone = numbered([*LOG, erased("ann"), erased("bob")])[len(LOG) :]
    for view in VIEWS:
        take_over(engine, view, gone)
    with engine.connect() as connection:
        for table in ("profile_g1", "profile_purchases_g1", "timeline_g1"):
            sealed = f"SELECT count(*) FROM {table} t WHERE CAST(t AS text) LIKE '%~1.%'"
            assert connection.scalar(text(sealed)) == 0
        assert len(entries(connection, 1, [ANN, BOB], Page())) == len(LOG) + 2
        found = customer(connection, 1, [ANN])
    assert found is not None
    assert found.erased == (ANN,)


def test_pages_of_many_events_use_the_indexes(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO timeline_g1 SELECT :subject, 1000 + n, 0, gen_random_uuid(), "
                "'complaint.made', 1, 'voice', :at + n * interval '1 minute', 0, 'second', "
                "'reported', '2026-03-01', :at, 'shop', 'channel:shop', 'live', '{}' "
                "FROM generate_series(1, 20000) n"
            ),
            {"subject": ANN, "at": datetime(2020, 1, 1, tzinfo=UTC)},
        )
    with engine.connect() as connection:
        connection.exec_driver_sql("ANALYZE timeline_g1")
        for asked in ({}, {"types": ["card.issued"]}, {"channels": ["fax"]}):
            connection.exec_driver_sql("SELECT pg_stat_force_next_flush()")
            before = _rows_read(connection)
            entries(connection, 1, [ANN, BOB], Page(limit=10), **asked)
            connection.exec_driver_sql("SELECT pg_stat_force_next_flush()")
            connection.commit()
            assert _rows_read(connection) - before < 100


def _rows_read(connection: Connection) -> int:
    connection.commit()
    connection.exec_driver_sql("SELECT pg_stat_clear_snapshot()")
    read = connection.exec_driver_sql(
        "SELECT seq_tup_read + coalesce(idx_tup_fetch, 0) FROM pg_stat_user_tables "
        "WHERE relname = 'timeline_g1'"
    ).scalar_one()
    return int(read)
