"""The log in PostgreSQL, as the library's `ApplicationRecorder` and as the appender's one door."""

from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import Any
from uuid import UUID

from eventsourcing.persistence import (
    ApplicationRecorder,
    IntegrityError,
    Notification,
    NotSupportedError,
    StoredEvent,
    Subscription,
)
from psycopg import Connection
from psycopg_pool import ConnectionPool

from store.rows import (
    AlreadyStored,
    DeadKeys,
    Outcome,
    Place,
    Prepared,
    Row,
    StaleStreams,
    StoredEventRow,
    VersionedEvent,
    Written,
    bare_row,
)

_COLUMNS = {
    "opening": "boolean",
    "originator_id": "text",
    "event_id": "uuid",
    "partition": "integer",
    "topic": "text",
    "type_version": "integer",
    "subject": "text",
    "source": "text",
    "occurred_at": "timestamptz",
    "offset_minutes": "integer",
    "precision": "text",
    "basis": "text",
    "business_date": "date",
    "traffic": "text",
    "actor": "text",
    "correlation_id": "uuid",
    "causation_id": "uuid",
    "command_id": "uuid",
    "fingerprint": "bytea",
    "state": "bytea",
}
"""What `append` takes of each row, in its order, and as which type."""

_read_row = attrgetter(*_COLUMNS)
_TYPES = ("integer", *_COLUMNS.values(), "integer", "bytea", "integer", "text", "integer")
_APPEND = f"SELECT * FROM append({', '.join(f'%b::{t}[]' for t in _TYPES)}, %b)"

_STORED = """
    SELECT e.event_id, e.fingerprint, e.subject, e.stream, e.version, e.partition, e.sequence,
           e.position, e.command_id, k.key_id, k.wrapped
    FROM events e LEFT JOIN subject_keys k ON k.subject = e.subject AND k.class = 'identity'
    WHERE {} ORDER BY e.position
"""


class Recorder(ApplicationRecorder):
    """Appends groups of requests, and reads streams for decisions.

    `locked=False` takes the append's lock away; only a test that wants to see the log break does.
    """

    def __init__(
        self, pool: ConnectionPool[Connection[Any]], partitions: int, *, locked: bool = True
    ) -> None:
        self._pool = pool
        self._partitions = partitions
        self._locked = locked

    def append(self, group: Sequence[Prepared]) -> list[Outcome]:
        """Write each request of the group, or say why not; one round trip, one commit for all."""
        with self._pool.connection() as connection:
            return self.append_on(connection, group)

    def append_on(self, connection: Connection[Any], group: Sequence[Prepared]) -> list[Outcome]:
        """The same inside the caller's transaction, which holds the append's lock until its end."""
        rows = [row for request in group for row in request.rows]
        events = [(i, *_read_row(row)) for i, request in enumerate(group) for row in request.rows]
        keys = [(i, key_id) for i, request in enumerate(group) for key_id in request.key_ids]
        expects = [(i, *expect) for i, request in enumerate(group) for expect in request.expects]
        arrays = [
            *_columns(events, 1 + len(_COLUMNS)),
            *_columns(keys, len(("request", "key_id"))),
            *_columns(expects, len(("request", "stream", "version"))),
        ]
        answers = connection.execute(_APPEND, [*arrays, self._locked]).fetchall()
        return _outcomes(len(group), rows, answers)

    def stored(self, event_ids: Iterable[UUID]) -> dict[UUID, StoredEventRow]:
        """Those of the events that are in the log."""
        with self._pool.connection() as connection:
            rows = connection.execute(
                _STORED.format("e.event_id = ANY(%s)"), [list(event_ids)]
            ).fetchall()
        return {row[0]: StoredEventRow(*row) for row in rows}

    def of_command(self, first: StoredEventRow) -> list[StoredEventRow]:
        """All events of the command that wrote `first`; they lie next to each other."""
        condition = "e.command_id = %s AND e.position >= %s AND e.position < %s + 1000"
        with self._pool.connection() as connection:
            rows = connection.execute(
                _STORED.format(condition), [first.command_id, first.position, first.position]
            ).fetchall()
        return [StoredEventRow(*row) for row in rows]

    def insert_events(
        self, stored_events: Sequence[StoredEvent], **_kwargs: Any
    ) -> Sequence[int] | None:
        """The library's door: a group of one. Raises IntegrityError where an event exists."""
        if not stored_events:
            return []
        rows = tuple(bare_row(event, self._partitions) for event in stored_events)
        expects = {row.originator_id: row.originator_version - 1 for row in reversed(rows)}
        request = Prepared(rows, expects=tuple((str(s), v) for s, v in expects.items()))
        (outcome,) = self.append([request])
        if not isinstance(outcome, Written):
            raise IntegrityError("an event of that stream and version is recorded already")
        return [place.position for place in outcome.places]

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        """One stream's events, oldest first unless `desc`."""
        order = "DESC" if desc else "ASC"
        query = f"""
            SELECT stream, version, type, state, type_version FROM events
            WHERE stream = %s AND version > %s AND version <= %s
            ORDER BY version {order} LIMIT %s
        """
        upper = 2**31 - 1 if lte is None else lte
        with self._pool.connection() as connection:
            rows = connection.execute(query, [str(originator_id), gt or 0, upper, limit]).fetchall()
        return [VersionedEvent(*row) for row in rows]

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        """A stretch of the log by position, for the library's own readers."""
        first = 0 if start is None else start if inclusive_of_start else start + 1
        query = """
            SELECT stream, version, type, state, position FROM events
            WHERE position >= %s AND position <= %s AND (%s OR type = ANY(%s))
            ORDER BY position LIMIT %s
        """
        upper = 2**63 - 1 if stop is None else stop
        parameters = [first, upper, not topics, list(topics), limit]
        with self._pool.connection() as connection:
            rows = connection.execute(query, parameters).fetchall()
        return [Notification(*row) for row in rows]

    def max_notification_id(self) -> int | None:
        """The last position, or None for an empty log."""
        with self._pool.connection() as connection:
            row = connection.execute("SELECT max(position) FROM events").fetchone()
        return row[0] if row else None

    def subscribe(
        self,
        gt: int | None = None,  # noqa: ARG002  the library's signature
        topics: Sequence[str] = (),  # noqa: ARG002
    ) -> Subscription[ApplicationRecorder]:
        """Not here: readers use the store feed, which proves that it missed nothing."""
        raise NotSupportedError("read the store feed instead")


def _columns(rows: Sequence[tuple[Any, ...]], width: int) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[]] * width


def _outcomes(
    requests: int, rows: Sequence[Row], answers: Sequence[tuple[Any, ...]]
) -> list[Outcome]:
    refusals: dict[int, Outcome] = {}
    places: list[list[Place]] = [[] for _ in range(requests)]
    for request, outcome, ordinal, position, version, sequence in answers:
        if outcome == "written":
            places[request].append(Place(rows[ordinal - 1], position, version, sequence))
        else:
            refusals[request] = _REFUSALS[outcome]
    return [refusals.get(i) or Written(tuple(written)) for i, written in enumerate(places)]


_REFUSALS: dict[str, Outcome] = {
    "stored": AlreadyStored(),
    "dead": DeadKeys(),
    "stale": StaleStreams(),
}
