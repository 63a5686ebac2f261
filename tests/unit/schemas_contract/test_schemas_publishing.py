"""What is published is what the models say, and anything else is noticed."""

import json
from pathlib import Path
from typing import Any, ClassVar

import pytest

from schemas.people import SubjectErased
from schemas.publishing import PUBLISHED, drift, events_page, publish
from schemas.registry import EVENTS

REMEDY = "run `make schemas` and commit what it writes"
PAGE = Path(__file__).parents[3] / "docs" / "events.md"


def test_the_published_schemas_are_those_of_the_models() -> None:
    assert drift(PUBLISHED) == [], REMEDY


def test_the_page_is_that_of_the_models() -> None:
    assert PAGE.read_text(encoding="utf-8") == events_page(), REMEDY


def test_publishing_twice_writes_the_same_bytes(tmp_path: Path) -> None:
    first = {path.relative_to(tmp_path): path.read_bytes() for path in publish(tmp_path)}
    again = {path.relative_to(tmp_path): path.read_bytes() for path in publish(tmp_path)}
    assert first == again
    assert drift(tmp_path) == []
    assert len(first) == 2 + 2 * len(EVENTS)


def test_drift_names_what_is_missing_changed_and_left_over(tmp_path: Path) -> None:
    publish(tmp_path)
    (tmp_path / "inbound" / "purchase.made.v1.json").unlink()
    (tmp_path / "stream" / "envelope.json").write_text("{}\n")
    (tmp_path / "stream" / "purchase.lost.v1.json").write_text("{}\n")
    assert drift(tmp_path) == [
        "inbound/purchase.made.v1.json is missing",
        "stream/envelope.json differs from the models",
        "stream/purchase.lost.v1.json describes nothing that is registered: delete it",
    ]


def test_a_changed_model_drifts_and_its_older_stream_schema_may_stay(tmp_path: Path) -> None:
    class Later(SubjectErased):
        """A later version."""

        VERSION: ClassVar[int] = 2

    publish(tmp_path, [SubjectErased])
    assert drift(tmp_path, [Later]) == [
        "inbound/subject.erased.v2.json is missing",
        "stream/subject.erased.v2.json is missing",
        "inbound/subject.erased.v1.json describes nothing that is registered: delete it",
    ]
    assert "## subject.erased\n\nVersion 2. A later version." in events_page([Later])


@pytest.mark.parametrize("path", sorted(PUBLISHED.rglob("*.json")), ids=lambda path: path.name)
def test_every_published_schema_names_itself(path: Path) -> None:
    schema: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    event, _, version = path.stem.rpartition(".")
    name = f"{event}:{version}" if event else "envelope"
    assert schema["$id"] == f"urn:backbone:schema:{path.parent.name}:{name}"
    assert schema["title"]
    assert schema["description"]
    assert schema["additionalProperties"] is False


def test_a_stream_schema_says_what_is_sealed_and_an_inbound_one_what_is_sent() -> None:
    sent = json.loads((PUBLISHED / "inbound" / "purchase.made.v1.json").read_text())
    read = json.loads((PUBLISHED / "stream" / "purchase.made.v1.json").read_text())
    assert sent["properties"]["receipt"]["anyOf"][0] == {
        "type": "string",
        "minLength": 1,
        "maxLength": 200,
        "x-personal": "identity",
        "x-purpose": "bill",
        "x-sensitivity": 2,
        "x-hashed": "receipt",
    }
    value = read["$defs"]["BillNumber"]["properties"]["value"]
    assert value["type"] == ["string", "null"]
    assert value["pattern"].startswith(r"^~1\.")
    assert read["properties"]["order"]["anyOf"][0] == {
        "type": "string",
        "format": "uuid",
        "x-hashed": "order",
    }


def test_the_page_shows_every_event_and_every_field() -> None:
    page = events_page()
    for path in PUBLISHED.glob("inbound/*.v*.json"):
        schema = json.loads(path.read_text())
        for part in (schema, *schema.get("$defs", {}).values()):
            assert all(f"\n| {field} | " in page for field in part["properties"])
        assert f"\n## {path.name.partition('.v')[0]}\n" in page
