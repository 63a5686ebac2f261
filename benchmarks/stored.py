"""What a store and its views must hold when a benchmark has done its work."""

from decimal import Decimal
from typing import Any

import psycopg

from backbone.wiring import conninfo
from benchmarks.measuring import check
from benchmarks.sent import NET

_LOG = """
    SELECT count(*) FILTER (WHERE type <> 'subject.opened'), count(*), coalesce(max(position), 0),
           count(DISTINCT subject)
    FROM events
"""
_GAPS = """
    SELECT count(*) FROM (
        SELECT count(*) AS held, max(sequence) AS last FROM events GROUP BY partition
    ) AS p WHERE held <> last
"""
_NET = """
    SELECT coalesce(sum((convert_from(state, 'UTF8')::jsonb #>> '{net,amount}')::numeric), 0)
    FROM events WHERE type = 'purchase.made'
"""
_OPEN = """
    SELECT count(*) FROM (
        SELECT convert_from(state, 'UTF8')::jsonb AS data FROM events WHERE type <> 'subject.opened'
    ) AS e WHERE coalesce(data #>> '{receipt,value}', data ->> 'text') NOT LIKE '~1.%'
"""


def check_log(url: str, *, events: int, customers: int) -> None:
    """All events are there, and each customer's `subject.opened`; positions and sequences are
    dense."""
    with psycopg.connect(conninfo(url)) as connection:
        found = connection.execute(_LOG).fetchone()
        rows = events + customers
        wanted = events, rows, rows, customers
        check(found, wanted, "events, rows, last position, customers")
        check(_one(connection, _GAPS), 0, "partitions whose sequence has holes")


def check_net(url: str, purchases: int) -> None:
    """The log's purchases add up."""
    with psycopg.connect(conninfo(url)) as connection:
        check(_one(connection, _NET), purchases * NET, "the sum of net")


def check_sealed(url: str, events: int, *, sealed: bool) -> None:
    """No receipt number and no complaint's text lies open, or all of them do."""
    with psycopg.connect(conninfo(url)) as connection:
        check(_one(connection, _OPEN), 0 if sealed else events, "events with open values")


def check_profiles(url: str, purchases: int, generation: int = 1) -> None:
    """The profiles of a generation count all purchases and all of their money."""
    query = f"""
        SELECT coalesce(sum(purchases), 0), sum((spent #>> '{{EUR,true}}')::numeric)
        FROM profile_g{generation}
    """
    with psycopg.connect(conninfo(url)) as connection:
        found = connection.execute(query.encode()).fetchone()
        check(found, (Decimal(purchases), purchases * NET), "purchases and their money")


def _one(connection: psycopg.Connection[Any], query: str) -> Any:
    row = connection.execute(query.encode()).fetchone()
    return row[0] if row else None
