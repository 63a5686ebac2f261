"""An old event read as today's by every view, its stored bytes as they were."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import psycopg

from backbone.reading_side import open_views
from backbone.wiring import conninfo, open_history, open_store
from projections import checkpoints, generations
from projections.connecting import transaction
from projections.customers import customers
from projections.paging import Page
from projections.profile import PROFILE
from projections.timeline import TIMELINE, entries
from projections.writer import Writer
from schemas.event import EventData
from schemas.fields import Code
from schemas.personal import FreeText
from schemas.registry import EVENTS, Registry
from tests.stores import PARTITIONS, append, complaint, who


class ComplaintMade2(EventData):
    """Tomorrow's complaint: `issue` is called `topic`."""

    TYPE: ClassVar[str] = "complaint.made"
    VERSION: ClassVar[int] = 2
    TOUCHPOINT: ClassVar[bool] = True

    channel: Code
    via: Code
    topic: Code
    text: FreeText | None = None


def renamed(data: dict[str, Any]) -> dict[str, Any]:
    return {"topic" if name == "issue" else name: value for name, value in data.items()}


TOMORROW = Registry(
    [ComplaintMade2, *(event for event in EVENTS if event.TYPE != ComplaintMade2.TYPE)],
    {(ComplaintMade2.TYPE, 1): renamed},
)


def stored(url: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(conninfo(url)) as connection:
        query = "SELECT type_version, state, fingerprint FROM events ORDER BY position"
        return connection.execute(query).fetchall()


def test_two_views_read_a_stored_first_version_as_the_second_one(
    new_database: Callable[[str], str], tmp_path: Path
) -> None:
    store_url, views_url = new_database("store"), new_database("views")
    with open_store(store_url, tmp_path / "ring", PARTITIONS) as store:
        draft = complaint(store, who("crm:1"), "c-1", text="It came late.")
        receipt = append(store, draft)
    before = stored(store_url)
    assert [row[0] for row in before] == [1, 1]

    with open_views(views_url) as engine, open_history(store_url, TOMORROW) as history:
        events = history.from_position(0, 10)
        for view in (PROFILE, TIMELINE):
            generations.ensure(engine, view, partitions=PARTITIONS, epoch=history.info.epoch)
            with transaction(engine) as connection:
                expected = checkpoints.read(connection, view.name, 1)
            Writer(engine, view, 1).apply(events, expected)
        subject = str(receipt.stream).partition("/")[0]
        with transaction(engine) as connection:
            entry = entries(connection, 1, [subject], Page(), types=["complaint.made"])[0]
            assert customers(connection, 1, [subject])[subject].complaints == 1
    assert (entry.version, entry.data["topic"]) == (2, "late")
    assert "issue" not in entry.data
    assert entry.data["text"].startswith("~1.")
    assert stored(store_url) == before
