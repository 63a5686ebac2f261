"""Reading the log: the same records for feeds, rebuilds and audits. Holds no keys.

Values come as they are stored, sealed; an old version comes as the current one.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import orjson

from schemas.envelope import Event
from schemas.registry import Registry
from store.info import StoreInfo
from store.reaching import Pool, reach

_FIELDS = """event_id, type, type_version, stream, version, subject, source, actor, occurred_at,
    occurred_offset_minutes, time_precision, time_basis, business_date, traffic, recorded_at,
    correlation_id, causation_id, partition, position, sequence, state"""

# One index range for each partition. (`partition = ANY` with a generic plan took two seconds for a
# quiet partition of ten million events; ranges by LATERAL do not.)
_BY_SEQUENCE = f"""
    SELECT {_FIELDS} FROM unnest(%b::integer[], %b::bigint[]) AS owned(p, s)
    CROSS JOIN LATERAL (
        SELECT * FROM events WHERE partition = owned.p AND sequence > owned.s
        ORDER BY sequence LIMIT %b
    ) AS e
"""
_HEADS = """
    SELECT p, coalesce(h.sequence, 0), coalesce(h.position, 0)
    FROM generate_series(0, %b - 1) AS p LEFT JOIN LATERAL (
        SELECT sequence, position FROM events WHERE partition = p
        ORDER BY sequence DESC LIMIT 1
    ) AS h ON true
"""
_WAITING_SINCE = """
    SELECT p, e.recorded_at FROM unnest(%b::integer[], %b::bigint[]) AS owned(p, s)
    CROSS JOIN LATERAL (
        SELECT recorded_at FROM events WHERE partition = owned.p AND sequence > owned.s
        ORDER BY sequence LIMIT 1
    ) AS e
"""


class History:
    """Reads recorded events; safe to share between threads."""

    def __init__(self, pool: Pool, info: StoreInfo, registry: Registry) -> None:
        self._pool = pool
        self._registry = registry
        self.info = info

    def after(self, sequences: Mapping[int, int], limit: int) -> list[Event]:
        """Up to `limit` events of each partition behind its sequence, in order per partition.

        `sequences` maps each wanted partition to the last sequence already read, 0 for none.
        """
        parameters = [list(sequences), list(sequences.values()), limit]
        return self._events(_BY_SEQUENCE, parameters)

    def from_position(self, position: int, limit: int) -> list[Event]:
        """Up to `limit` events behind a position, in the store's total order."""
        query = f"SELECT {_FIELDS} FROM events WHERE position > %b ORDER BY position LIMIT %b"
        return self._events(query, [position, limit])

    def of_subject(self, subject: str) -> list[Event]:
        """A subject's whole history, in order: one range of the index on (stream, version)."""
        # '0' is the character behind '/': the range holds exactly the streams `<subject>/…`.
        query = f"""
            SELECT {_FIELDS} FROM events WHERE stream >= %b AND stream < %b ORDER BY position
        """
        return self._events(query, [f"{subject}/", f"{subject}0"])

    def event(self, event_id: UUID) -> Event | None:
        """One event, or None."""
        found = self._events(f"SELECT {_FIELDS} FROM events WHERE event_id = %b", [event_id])
        return found[0] if found else None

    def heads(self) -> dict[int, tuple[int, int]]:
        """Of each partition the last event's (sequence, position); (0, 0) where it is empty."""
        with reach(self._pool) as connection:
            rows = connection.execute(_HEADS, [self.info.partitions]).fetchall()
        return {row[0]: (row[1], row[2]) for row in rows}

    def ids(self, partition: int, sequence: int, limit: int) -> list[tuple[int, UUID]]:
        """Up to `limit` (sequence, event id) of a partition behind a sequence, in order."""
        query = """
            SELECT sequence, event_id FROM events WHERE partition = %b AND sequence > %b
            ORDER BY sequence LIMIT %b
        """
        with reach(self._pool) as connection:
            cursor = connection.cursor(binary=True)
            return cursor.execute(query, [partition, sequence, limit]).fetchall()

    def places(self, position: int, limit: int) -> list[tuple[int, int, int, bytes]]:
        """Up to `limit` (position, partition, sequence, 16 bytes of the event id) behind a
        position, in the store's total order.

        A million a second, which is four times as many as partition by partition: the rows are read
        as they lie on the disk. (To add the ids up in SQL took twice as long as here.)
        """
        query = """
            SELECT position, partition, sequence, uuid_send(event_id) FROM events
            WHERE position > %b ORDER BY position LIMIT %b
        """
        with reach(self._pool) as connection:
            cursor = connection.cursor(binary=True)
            return cursor.execute(query, [position, limit]).fetchall()

    def waiting_since(self, sequences: Mapping[int, int]) -> dict[int, datetime]:
        """Of each partition with events behind the given sequence: when the first was recorded."""
        with reach(self._pool) as connection:
            rows = connection.execute(
                _WAITING_SINCE, [list(sequences), list(sequences.values())]
            ).fetchall()
        return dict(rows)

    def _events(self, query: str, parameters: Sequence[Any]) -> list[Event]:
        with reach(self._pool) as connection:
            cursor = connection.cursor(binary=True, row_factory=lambda _: self._event)
            return cursor.execute(query, parameters).fetchall()

    def _event(self, row: Sequence[Any]) -> Event:
        """The columns of _FIELDS as an Event; spelt out, because a rebuild calls it for each."""
        event_type, version, business_date = row[1], row[2], row[12]
        current = self._registry.current(event_type).VERSION
        data = orjson.loads(row[20])
        occurred_at: datetime = row[8].astimezone(_zone(row[9]))
        return Event(
            row[0],
            event_type,
            current,
            row[3],
            row[4],
            row[5],
            row[6],
            row[7],
            occurred_at,
            row[10] or "second",
            row[11] or "reported",
            business_date or occurred_at.date(),
            row[13] or "live",
            # The session's zone is the server's, whatever that is.
            row[14].astimezone(UTC),
            row[15],
            row[16],
            row[17],
            row[18],
            row[19],
            data if version == current else self._registry.upcast(event_type, version, data),
        )


_ZONES: dict[int, timezone] = {0: UTC}


def _zone(minutes: int) -> timezone:
    zone = _ZONES.get(minutes)
    if zone is None:
        zone = _ZONES[minutes] = timezone(timedelta(minutes=minutes))
    return zone
