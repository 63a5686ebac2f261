"""The peer of `projecting.py`: the library's `ProjectionRunner`, our fold, our profile row."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

import orjson
from eventsourcing.application import Application
from eventsourcing.persistence import Mapper, Notification, StoredEvent, Tracking
from eventsourcing.postgres import PostgresTrackingRecorder
from eventsourcing.projection import Projection, ProjectionRunner
from psycopg.types.json import Jsonb, set_json_dumps, set_json_loads
from sqlalchemy.dialects.postgresql import JSONB

from benchmarks.library import environment
from projections.connecting import transaction, views_engine
from projections.profile import Profile, fold, profiles
from projections.tables import create_indexes, create_tables, of_generation
from projections.view import View
from schemas.envelope import Event

INSERTED_AT_ONCE = 100

_TABLE = of_generation(profiles, 1)
_COLUMNS = [column.name for column in _TABLE.columns]
_JSON = frozenset(column.name for column in _TABLE.columns if isinstance(column.type, JSONB))
_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM {_TABLE.name} WHERE subject = %s"
_UPSERT = f"""
    INSERT INTO {_TABLE.name} ({", ".join(_COLUMNS)}) VALUES ({", ".join(["%s"] * len(_COLUMNS))})
    ON CONFLICT (subject) DO UPDATE SET {", ".join(f"{c} = excluded.{c}" for c in _COLUMNS[1:])}
"""


class ProfileTable(PostgresTrackingRecorder):
    """The profile rows beside the library's record of how far they have come."""

    def take(self, event: Event, tracking: Tracking) -> None:
        """Read the row, fold, write it with the tracking record: one transaction."""
        with self.datastore.transaction(commit=True) as cursor:
            self._insert_tracking(cursor, tracking)
            known = cursor.execute(_SELECT.encode(), [event.subject], prepare=True).fetchone()
            row = fold(Profile(**known) if known else None, event)
            cursor.execute(
                _UPSERT.encode(), [_stored(row, name) for name in _COLUMNS], prepare=True
            )


class ProfileProjection(Projection[ProfileTable]):
    """Hands every event to the table."""

    def process_event(self, domain_event: Any, tracking: Tracking) -> None:
        """Called by the runner for each event in turn."""
        self.view.take(domain_event, tracking)


def prepared(url: str, view: View, events: Sequence[Event]) -> type[Application[str]]:
    """An application of the library whose own log holds these events, and an empty table."""
    set_json_dumps(orjson.dumps)
    set_json_loads(orjson.loads)
    engine = views_engine(url)
    with transaction(engine) as connection:
        create_tables(connection, view, 1)
        create_indexes(connection, view, 1)
    engine.dispose()
    stored = [
        StoredEvent(event.stream, event.stream_version, event.type, orjson.dumps(event.data))
        for event in events
    ]
    application = _application(events)
    with application(environment(url, text_ids=True)) as log:
        for start in range(0, len(stored), INSERTED_AT_ONCE):
            log.recorder.insert_events(stored[start : start + INSERTED_AT_ONCE])
    return application


def runner(url: str, application: type[Application[str]]) -> AbstractContextManager[Any]:
    """The runner; it begins at once."""
    return ProjectionRunner(
        application_class=application,
        projection_class=ProfileProjection,
        view_class=ProfileTable,
        env=environment(url, text_ids=True),
    )


def _application(events: Sequence[Event]) -> type[Application[str]]:
    """An application that reads its log as our events: data from the state, the rest at hand."""

    class _Mapper(Mapper[str]):
        def to_domain_event(self, stored_event: StoredEvent) -> Any:
            assert isinstance(stored_event, Notification)
            return events[stored_event.id - 1]._replace(data=orjson.loads(stored_event.state))

    class _Log(Application[str]):
        name = "log"

        def construct_mapper(self) -> Mapper[str]:
            return _Mapper(self.construct_transcoder())

    return _Log


def _stored(row: Profile, name: str) -> Any:
    value = getattr(row, name)
    return Jsonb(value) if name in _JSON and value is not None else value
