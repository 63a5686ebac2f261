"""The library's own tests of a recorder, held against ours on a real database."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from eventsourcing.persistence import NotSupportedError, StoredEvent
from eventsourcing.tests import persistence as library

from backbone.wiring import pool_for
from store.recorder import Recorder
from tests.stores import PARTITIONS, opened


class FromOne(Recorder):
    """Our streams begin with version 1; two of the library's tests begin with 0."""

    def insert_events(
        self, stored_events: Sequence[StoredEvent], **kwargs: Any
    ) -> Sequence[int] | None:
        if stored_events and stored_events[0].originator_version == 0:
            stored_events = [
                replace(event, originator_version=event.originator_version + 1)
                for event in stored_events
            ]
        return super().insert_events(stored_events, **kwargs)


class OnOurs:
    """What the library's cases need: a recorder, and ids that are text, as our streams' are."""

    @pytest.fixture(autouse=True)
    def _on_a_fresh_database(self, database: str, tmp_path: Path) -> Iterator[None]:
        with opened(database, tmp_path / "ring"), ExitStack() as stack:
            self._recorder = FromOne(stack.enter_context(pool_for(database)), PARTITIONS)
            yield

    def create_recorder(self) -> Recorder:
        return self._recorder

    def new_originator_id(self) -> UUID | str:
        return f"@library:{uuid4().hex}/tried"


class TestAsApplicationRecorder(OnOurs, library.ApplicationRecorderTestCase[Recorder]):
    def test_a_subscription_is_refused_in_favour_of_the_feed(self) -> None:
        with pytest.raises(NotSupportedError):
            self.create_recorder().subscribe()


class TestThatIdsDoNotInterleave(OnOurs, library.NonInterleavingNotificationIDsBaseCase):
    insert_num = 200
