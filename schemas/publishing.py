"""Publishes the contract: JSON Schemas for channels and consumers, and a page for their people.

    inbound/<type>.v<version>.json   `data` as channels send it
    inbound/envelope.json            the attributes around it
    stream/<type>.v<version>.json    `data` as consumers read it: values sealed, numbers hashed
    stream/envelope.json             the attributes around it

The models are the source; what is published is generated, and `drift` names what no longer fits.
"""

import json
from collections.abc import Iterable
from pathlib import Path

from pydantic.json_schema import JsonSchemaValue

from schemas.described import described
from schemas.event import EventData
from schemas.event_page import events_page
from schemas.registry import EVENTS

__all__ = ["PUBLISHED", "drift", "events_page", "publish"]

PUBLISHED = Path(__file__).parent / "published"
"""Where the files lie, in a checkout and in an installed wheel alike."""


def _text(schema: JsonSchemaValue) -> str:
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def publish(folder: Path, events: Iterable[type[EventData]] = EVENTS) -> list[Path]:
    """Write every schema under `folder`; returns the files.

    Deletes nothing: `drift` says what is left over.
    """
    written = []
    for name, schema in described(events).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_text(schema), encoding="utf-8")
        written.append(path)
    return written


def drift(folder: Path, events: Iterable[type[EventData]] = EVENTS) -> list[str]:
    """What differs between the models and the files under `folder`, a sentence each; empty: none.

    Files of older versions in `stream/` stay: they describe records that are still on topics.
    """
    events = tuple(events)
    expected = described(events)
    older = {
        f"stream/{event.TYPE}.v{version}.json"
        for event in events
        for version in range(1, event.VERSION)
    }
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*.json")}
    faults = [f"{name} is missing" for name in expected if name not in found]
    for name, path in sorted(found.items()):
        if name not in expected:
            if name not in older:
                faults.append(f"{name} describes nothing that is registered: delete it")
        elif path.read_text(encoding="utf-8") != _text(expected[name]):
            faults.append(f"{name} differs from the models")
    return faults
