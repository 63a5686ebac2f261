"""What may be written is a list, and what was written before is read as today's version."""

import json
from typing import Any, ClassVar

import pytest

from schemas.errors import Broken, Invalid, UnknownType
from schemas.event import EventData
from schemas.fields import Code, Whole
from schemas.personal import FreeText, Sealed
from schemas.registry import EVENTS, UPCASTS, Registry
from tests.unit.schemas_contract.examples import REGISTRY, SMALLEST, door, parsed, sealed


class Greeted(EventData):
    """Version 2 calls `tone` what version 1 called `mood`."""

    TYPE: ClassVar[str] = "test.greeted"
    VERSION: ClassVar[int] = 2

    tone: Code
    words: FreeText
    times: Whole


def renamed(data: dict[str, Any]) -> dict[str, Any]:
    return {("tone" if name == "mood" else name): value for name, value in data.items()}


V1 = json.dumps({"mood": "warm", "words": sealed("hello Ada", "content"), "times": 2})


def test_what_was_stored_as_version_1_is_read_as_version_2() -> None:
    registry = Registry([Greeted], {("test.greeted", 1): renamed})
    event = Greeted.model_validate(registry.upcast("test.greeted", 1, json.loads(V1)))
    assert event == Greeted(tone="warm", words=Sealed(sealed("hello Ada", "content")), times=2)


def test_an_upcast_goes_over_every_version_in_between() -> None:
    class Third(Greeted):
        VERSION: ClassVar[int] = 3

    steps = {
        ("test.greeted", 1): renamed,
        ("test.greeted", 2): lambda data: data | {"times": data["times"] + 1},
    }
    registry = Registry([Third], steps)
    assert registry.upcast("test.greeted", 1, json.loads(V1))["times"] == 3
    assert registry.upcast("test.greeted", 3, {"as": "it is"}) == {"as": "it is"}


def test_a_missing_upcast_stops_the_start_and_names_the_type() -> None:
    with pytest.raises(Broken, match=r"test\.greeted version 1 has no upcast to 2"):
        Registry([Greeted], {})


@pytest.mark.parametrize(("event_type", "version"), [("purchase.made", 2), ("test.unheard", 1)])
def test_stored_data_of_a_later_release_stops_the_reader(event_type: str, version: int) -> None:
    with pytest.raises(Broken, match=rf"{event_type} .*is not known to this release"):
        REGISTRY.upcast(event_type, version, {})


def test_every_registered_type_has_its_upcasts() -> None:
    assert Registry().events == EVENTS
    assert {event_type for event_type, _ in UPCASTS} <= {event.TYPE for event in EVENTS}


def test_a_type_is_registered_once() -> None:
    assert len({event.TYPE for event in EVENTS}) == len(EVENTS)


@pytest.mark.parametrize(
    ("event_type", "version", "field"),
    [("test.unheard", 1, "type"), ("purchase.made", 2, "typeversion")],
)
def test_only_current_versions_are_written(event_type: str, version: int, field: str) -> None:
    with pytest.raises(UnknownType) as refusal:
        REGISTRY.parse(event_type, version, {}, door())
    assert refusal.value.field == field


def test_a_refusal_names_the_first_field_at_fault_and_nothing_that_was_sent() -> None:
    with pytest.raises(Invalid, match="Input should be 'direct'") as refusal:
        parsed("complaint.made", SMALLEST["complaint.made"] | {"via": "my lawyer"})
    assert refusal.value.field == "data.via"
    assert refusal.value.__suppress_context__
