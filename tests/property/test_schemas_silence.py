"""Nothing that a person may have typed comes out of a refusal, a repr or a failed dump."""

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from pydantic_core import PydanticSerializationError

from schemas.errors import Invalid
from schemas.registry import refusal
from tests.unit.schemas_contract.examples import FULL, REGISTRY, door, parsed

# Marked so that no sentence of ours can hold them by accident.
PLANTS = st.text(
    st.characters(min_codepoint=0x20, max_codepoint=0x2FF, exclude_characters="\x7f"), max_size=20
).map(lambda text: f"Zq{text}Qz")
SHAPES = ("text", "list", "object", "key", "sealed", "nul", "numbered")


def places(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Where values stand, blocks and lists themselves included."""
    parts: list[tuple[str | int, Any]] = []
    if isinstance(value, dict):
        parts = list(value.items())
    elif isinstance(value, list):
        parts = list(enumerate(value))
    return [path, *(place for key, part in parts for place in places(part, (*path, key)))]


def shaped(shape: str, plant: str) -> Any:
    return {
        "text": plant,
        "list": [plant],
        "object": {"value": plant, "source": plant, "number": plant},
        "key": {plant: "x"},
        "sealed": f"~1.{plant}",
        "nul": f"{plant}\x00",
        "numbered": f"12.{plant}",
    }[shape]


def with_value(value: Any, path: tuple[str | int, ...], new: Any) -> Any:
    if not path:
        return new
    out = deepcopy(value)
    place = out
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = new
    return out


EVERYWHERE = [(name, path) for name, data in FULL.items() for path in places(data)]


@given(st.sampled_from(EVERYWHERE), st.sampled_from(SHAPES), PLANTS)
def test_what_was_sent_is_in_no_refusal_and_no_repr(
    at: tuple[str, tuple[str | int, ...]], shape: str, plant: str
) -> None:
    silent(*at, shape, plant)


@pytest.mark.parametrize("shape", SHAPES)
def test_no_place_and_no_shape_gives_it_away(shape: str) -> None:
    for event_type, path in EVERYWHERE:
        silent(event_type, path, shape, "ZqAda Peeters, 0470 12 34 56Qz")


def silent(event_type: str, path: tuple[str | int, ...], shape: str, plant: str) -> None:
    data = with_value(FULL[event_type], path, shaped(shape, plant))
    try:
        event = REGISTRY.model(event_type, 1).model_validate(data, context=door())
    except ValidationError as error:
        told = refusal(error)
        texts = [told.reason, str(told), repr(told), str(told.field)]
        if shape != "key":
            texts += [str(error), repr(error)]
    else:
        texts = [repr(event), str(event), f"{[event]}"]
        with_dump_failure(event, texts)
    assert not any("Zq" in text or "Qz" in text for text in texts)


def with_dump_failure(event: Any, texts: list[str]) -> None:
    try:
        event.model_dump(mode="json")
    except PydanticSerializationError as failure:
        texts += [str(failure), repr(failure)]


@pytest.mark.parametrize("event_type", FULL)
def test_reprs_of_parts_are_as_silent_as_that_of_the_whole(event_type: str) -> None:
    for _, part in parsed(event_type, FULL[event_type]):
        if hasattr(part, "__pydantic_fields__"):
            assert repr(part) == f"{type(part).__name__}()"


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40))
def test_an_unknown_field_is_repeated_only_if_it_is_a_plain_name(name: str) -> None:
    with pytest.raises(Invalid) as told:
        parsed("subject.opened", FULL["subject.opened"] | {f"x{name}": 1})
    field = str(told.value.field).removeprefix("data.")
    assert field == "…" or (field.isascii() and field.replace("_", "").isalnum())
