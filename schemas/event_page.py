"""The page for those who send and read events, written from the models like the JSON Schemas."""

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from schemas.attributes import READ, READ_REQUIRED, SENT, SENT_REQUIRED
from schemas.described import event_schema
from schemas.event import EventData
from schemas.registry import EVENTS

_PAGE = """\
# Events

Written by `make schemas` from the models in `schemas/`. The same, as JSON Schemas for programs,
lies in `schemas/published/`.

An event is a CloudEvent 1.0: attributes around it, and `data` of its own. A channel sends what it
knows, few fields are required, and an unknown field is refused by name. Every text is a *code*
(a closed list's member, a product or store code, an opaque id: nothing that a person typed), a
*personal text* (who somebody is) or a *free text* (what somebody wrote or said). The column
*personal* says why a field is kept, and how much harm its loss would do: 1 ordinary; 2 financial,
official or location; 3 special.

```json
{example}
```

## What is sent, and what is read

| type | a channel sends | a consumer reads |
|---|---|---|
| personal text, free text | the text | a sealed value `~1.…`; null once it is erased |
| contact point | the text | `{{"value": "~1.…", "subject": "s_…"}}` |
| own number | the text | `{{"value": "~1.…", "key": "<uuid>"}}` |
| number: of a case, an order … | the text, or `{{"source": …, "number": …}}` if another source \
issued it | a UUID: the `key` of the document that has this number |
| reference to an event | its UUID, or `{{"source": …, "id": …}}` with its channel's id | its UUID |
| decimal | a text such as `"12.34"`, never a JSON number | the same |
| all others | as it is | the same |
"""

EXAMPLE: Mapping[str, Any] = {
    "specversion": "1.0",
    "id": "till-7/2026-01-31/0042",
    "source": "shop",
    "type": "purchase.made",
    "subject": "crm:1001",
    "time": "2026-01-31T12:00:00+01:00",
    "data": {
        "channel": "store",
        "receipt": "0042",
        "lines": [
            {
                "no": 1,
                "product": "4006381333931",
                "category": "stationery",
                "quantity": "2",
                "unit": "piece",
                "net": {"amount": "3.98", "currency": "EUR"},
            }
        ],
        "net": {"amount": "3.98", "currency": "EUR"},
    },
}


def events_page(events: Iterable[type[EventData]] = EVENTS) -> str:
    """The page for those who send and read events, in Markdown."""
    models = {event.TYPE: (event, event_schema(event, "inbound")) for event in events}
    blocks = {
        name: block
        for _, schema in models.values()
        for name, block in schema.get("$defs", {}).items()
    }
    parts = [_PAGE.format(example=json.dumps(EXAMPLE, indent=2))]
    parts += ["## Attributes that a channel sends\n", _table(SENT, SENT_REQUIRED)]
    parts += ["## Attributes that a consumer reads\n", _table(READ, READ_REQUIRED)]
    for name, (event, schema) in models.items():
        parts += [f"## {name}\n", f"Version {event.VERSION}. {schema['description']}\n"]
        parts.append(_table(schema["properties"], schema["required"]))
    for name, block in sorted(blocks.items()):
        parts += [f"## {name}\n", f"{block['description']}\n"]
        parts.append(_table(block["properties"], block["required"]))
    return "\n".join(parts)


def _table(fields: Mapping[str, Mapping[str, Any]], required: Iterable[str]) -> str:
    rows = ["| field | type | required | personal | meaning |", "|---|---|---|---|---|"]
    for name, field in fields.items():
        must = "yes" if name in required else ""
        use = _use(field)
        rows.append(
            f"| {name} | {_kind(field)} | {must} | {use} | {field.get('description', '')} |"
        )
    return "\n".join(rows) + "\n"


def _use(field: Mapping[str, Any]) -> str:
    """Purpose and sensitivity of a field or of what it lists."""
    for part in (field, field.get("items", {}), *field.get("anyOf", ())):
        if "x-purpose" in part:
            return f"{part['x-purpose']}/{part['x-sensitivity']}"
        if part is not field and "items" in part:
            return _use(part)
    return ""


_FORMATS = {"decimal": "decimal", "uuid": "UUID", "date": "date", "date-time": "time"}
_TYPES = {"integer": "whole number", "boolean": "true or false", "object": "object"}

# The first of these marks that a field has says best what it is.
_WORDS: Mapping[str, Callable[[Any, Mapping[str, Any]], str]] = {
    "anyOf": lambda variants, _: _kind(variants[0]),
    "$ref": lambda ref, _: _link(ref.rpartition("/")[2]),
    "items": lambda items, _: f"list of {_kind(items)}",
    "enum": lambda members, _: ", ".join(f"`{member}`" for member in members),
    "const": lambda only, _: f"`{only}`",
    "x-point": lambda _, __: "contact point",
    "x-personal": lambda key_class, field: _personal(key_class, "x-hashed" in field),
    "x-hashed": lambda what, _: "reference to an event" if what == "event" else f"number: {what}",
    "x-code": lambda _, __: "code",
    "format": lambda form, _: _FORMATS[form],
    "type": lambda name, _: _TYPES.get(name, "text"),
}


def _kind(field: Mapping[str, Any]) -> str:
    """A field's type in the page's words."""
    return next(word(field[mark], field) for mark, word in _WORDS.items() if mark in field)


def _link(block: str) -> str:
    return f"[{block}](#{block.lower()})"


def _personal(key_class: str, hashed: bool) -> str:
    if hashed:
        return "own number"
    return "free text" if key_class == "content" else "personal text"
