"""No event holds a text of which the contract does not say what it is.

Every text in an event's schema is a code, a personal value with purpose and sensitivity, a hashed
number, a member of a closed list, or has a form of its own: a date, a time, a UUID, a decimal.
"""

from typing import Annotated, Any

import pytest
from pydantic import AnyUrl

from schemas.blocks import Line
from schemas.described import event_schema
from schemas.event import EventData
from schemas.fields import Block, Code
from schemas.money import Money
from schemas.people import SubjectOpened
from schemas.personal import FreeText, Identifying, Personal
from schemas.references import ContactValue, EventReference, KeyTo
from schemas.registry import EVENTS

FORMS = {"uuid", "date", "date-time", "decimal"}
PERSONAL = {"x-personal", "x-purpose", "x-sensitivity"}


def said(leaf: dict[str, Any]) -> bool:
    """True where a text's schema says what the text is."""
    return (
        leaf.get("x-code") is True
        or leaf.keys() >= PERSONAL
        or ("x-hashed" in leaf and "x-personal" not in leaf)
        or bool(leaf.keys() & {"enum", "const"})
        or leaf.get("format") in FORMS
    )


def open_ended(node: dict[str, Any]) -> bool:
    """True for what lets anything in: an object without closed fields, a list of whatever."""
    kinds = node.get("type", [])
    if "object" in kinds and node.get("additionalProperties") is not False:
        return True
    if "array" in kinds and "items" not in node and "prefixItems" not in node:
        return True
    return not node.keys() & {"type", "$ref", "anyOf", "oneOf", "allOf", "enum", "const"}


def bare(node: dict[str, Any], path: str = "") -> list[str]:
    """The places in a schema where a text may stand that nothing is said of."""
    if open_ended(node):
        return [path]
    found = [path] if "string" in node.get("type", []) and not said(node) else []
    below = {f"{path}.{name}": part for name, part in node.get("properties", {}).items()}
    below |= {f"{path}#{name}": part for name, part in node.get("$defs", {}).items()}
    below |= {f"{path}[]": node["items"]} if "items" in node else {}
    for word in ("anyOf", "oneOf", "allOf", "prefixItems"):
        below |= {f"{path}|{n}": part for n, part in enumerate(node.get(word, ()))}
    return found + [place for name, part in below.items() for place in bare(part, name)]


@pytest.mark.parametrize("side", ["inbound", "stream"])
@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.TYPE)
def test_every_text_of_every_event_says_what_it_is(event: type[EventData], side: Any) -> None:
    assert bare(event_schema(event, side)) == []


class Nested(Block):
    said: Code
    bare: str


def planted(annotation: Any) -> type[EventData]:
    """An event with one more field, of this type."""
    fields = {"__annotations__": {"planted": annotation}, "__module__": __name__}
    return type("Planted", (SubjectOpened,), fields | {"__doc__": "An event with a plant."})


@pytest.mark.parametrize("side", ["inbound", "stream"])
@pytest.mark.parametrize(
    "annotation",
    [
        str,
        str | None,
        list[str],
        tuple[str, ...],
        tuple[str, int],
        Nested,
        list[Nested] | None,
        dict[str, int],
        dict[str, Code],
        Any,
        object,
        list[Any],
        AnyUrl,
        bytes,
        Personal,
        list[Personal],
    ],
    ids=str,
)
def test_a_planted_bare_text_is_found(annotation: Any, side: Any) -> None:
    assert bare(event_schema(planted(annotation), side))


@pytest.mark.parametrize("side", ["inbound", "stream"])
@pytest.mark.parametrize(
    "annotation",
    [
        Code,
        FreeText,
        list[Identifying] | None,
        Money,
        list[Line],
        EventReference,
        ContactValue,
        Annotated[EventReference, KeyTo("case")],
    ],
    ids=str,
)
def test_a_planted_text_of_the_contract_is_none(annotation: Any, side: Any) -> None:
    assert bare(event_schema(planted(annotation), side)) == []


def test_every_event_and_field_type_has_a_sentence_of_its_own() -> None:
    for event in EVENTS:
        assert event.__doc__
        schema = event.model_json_schema(mode="serialization")
        for name, block in schema.get("$defs", {}).items():
            assert "description" in block, name
