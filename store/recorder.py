"""The log in PostgreSQL, as the library's `ApplicationRecorder` and as the appender's one door."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, TypeVar
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

from store.reaching import Pool, reach
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

T = TypeVar("T")

_TYPES = (
    # request, place in its stream, place in its partition
    *("integer", "integer", "integer"),
    # the columns of Row
    *("text", "uuid", "integer", "text", "integer", "text", "text", "timestamptz", "integer"),
    *("text", "text", "date", "text", "text", "uuid", "uuid", "uuid", "bytea", "bytea", "boolean"),
    # key ids, expectations
    *("integer", "bytea", "integer", "text", "integer"),
)
_APPEND = f"""
    SELECT outcome, at, position, version, sequence
    FROM append({", ".join(f"%b::{t}[]" for t in _TYPES)}, %b)
"""

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

    def __init__(self, pool: Pool, partitions: int, *, locked: bool = True) -> None:
        self._pool = pool
        self._partitions = partitions
        self._locked = locked

    def append(self, group: Sequence[Prepared]) -> list[Outcome]:
        """Write each request of the group, or say why not; one round trip where nothing stands in
        the way, one commit for all."""
        with reach(self._pool) as connection:
            return self.append_on(connection, group)

    def append_on(self, connection: Connection[Any], group: Sequence[Prepared]) -> list[Outcome]:
        """The same inside the caller's transaction, which holds the append's lock until its end."""
        refused: dict[int, Outcome] = {}
        opened: set[UUID] = set()
        while len(refused) < len(group):
            # Each turn refuses a request or finds somebody opened, so there is a last one.
            going = [(i, one) for i, one in enumerate(group) if i not in refused]
            statement = _Statement(going, opened)
            with connection.cursor(binary=True) as cursor:
                answers = cursor.execute(_APPEND, [*statement.arrays(), self._locked]).fetchall()
            if answers[0][0] == "written":
                return statement.outcomes(len(group), refused, answers)
            for outcome, at, *_ in answers:
                if outcome == "opened":
                    opened.add(statement.rows[at - 1].event_id)
                else:
                    # A repeat is one even if its key died or its stream moved: those come behind.
                    refused.setdefault(at, _REFUSALS[outcome])
        return [refused[i] for i in range(len(group))]

    def stored(self, event_ids: Iterable[UUID]) -> dict[UUID, StoredEventRow]:
        """Those of the events that are in the log."""
        with reach(self._pool) as connection:
            rows = connection.execute(
                _STORED.format("e.event_id = ANY(%s)"), [list(event_ids)]
            ).fetchall()
        return {row[0]: StoredEventRow(*row) for row in rows}

    def of_command(self, first: StoredEventRow) -> list[StoredEventRow]:
        """All events of the command that wrote `first`; they lie next to each other."""
        condition = "e.command_id = %s AND e.position >= %s AND e.position < %s + 1000"
        with reach(self._pool) as connection:
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
        expects = {
            str(event.originator_id): event.originator_version - 1
            for event in reversed(stored_events)
        }
        request = Prepared(rows, expects=tuple(expects.items()))
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
        with reach(self._pool) as connection:
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
        with reach(self._pool) as connection:
            rows = connection.execute(query, parameters).fetchall()
        return [Notification(*row) for row in rows]

    def max_notification_id(self) -> int | None:
        """The last position, or None for an empty log."""
        with reach(self._pool) as connection:
            row = connection.execute("SELECT max(position) FROM events").fetchone()
        return row[0] if row else None

    def subscribe(
        self,
        gt: int | None = None,  # noqa: ARG002  the library's signature
        topics: Sequence[str] = (),  # noqa: ARG002
    ) -> Subscription[ApplicationRecorder]:
        """Not here: readers use the store feed, which proves that it missed nothing."""
        raise NotSupportedError("read the store feed instead")


class _Statement:
    """A group as the arrays that `append` takes, and its answers as outcomes."""

    def __init__(self, group: Sequence[tuple[int, Prepared]], opened: Collection[UUID]) -> None:
        self._group = group
        self.rows: list[Row] = []
        self._requests: list[int] = []
        seen = set(opened)
        for number, request in group:
            for row in request.rows:
                # Two requests of one group may open the same subject: the first one does.
                if row.opening and row.event_id in seen:
                    continue
                seen.add(row.event_id)
                self.rows.append(row)
                self._requests.append(number)

    def arrays(self) -> list[Sequence[Any]]:
        """One array for each of `_TYPES`."""
        keys = [(number, key_id) for number, one in self._group for key_id in one.key_ids]
        expects = [(number, *expect) for number, one in self._group for expect in one.expects]
        return [
            self._requests,
            _places(row.stream for row in self.rows),
            _places(row.partition for row in self.rows),
            *_columns(self.rows, len(Row._fields)),
            *_columns(keys, len(("request", "key_id"))),
            *_columns(expects, len(("request", "stream", "version"))),
        ]

    def outcomes(
        self, requests: int, refused: Mapping[int, Outcome], answers: Iterable[tuple[Any, ...]]
    ) -> list[Outcome]:
        """What became of each request, those included that were refused before."""
        places: list[list[Place]] = [[] for _ in range(requests)]
        for _, at, position, version, sequence in sorted(answers):
            places[self._requests[at - 1]].append(
                Place(self.rows[at - 1], position, version, sequence)
            )
        return [refused.get(i) or Written(tuple(places[i])) for i in range(requests)]


def _places(names: Iterable[T]) -> list[int]:
    """Of each name how often it has come so far."""
    counts: dict[T, int] = {}
    places = []
    for name in names:
        counts[name] = place = counts.get(name, 0) + 1
        places.append(place)
    return places


def _columns(rows: Sequence[tuple[Any, ...]], width: int) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[]] * width


_REFUSALS: dict[str, Outcome] = {
    "stored": AlreadyStored(),
    "dead": DeadKeys(),
    "stale": StaleStreams(),
}
