"""What channels send as text is stored sealed and hashed, and nothing outside may look sealed."""

from copy import deepcopy
from typing import Any

import pytest

from schemas.errors import Invalid
from schemas.people import CustomerRegistered
from schemas.registry import EVENTS
from tests.unit.schemas_contract.examples import (
    ANOTHER_EVENT,
    FULL,
    KEYED,
    LINE,
    SMALLEST,
    door,
    money,
    parsed,
    sealed,
    stored,
)

Path = tuple[str | int, ...]


def texts(value: Any, path: Path = ()) -> list[Path]:
    """Where texts stand in a value."""
    if isinstance(value, str):
        return [path]
    if not isinstance(value, dict | list):
        return []
    parts = value.items() if isinstance(value, dict) else enumerate(value)
    return [found for key, part in parts for found in texts(part, (*path, key))]


def with_value(value: Any, path: Path, new: Any) -> Any:
    out = deepcopy(value)
    place = out
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = new
    return out


EVERYWHERE = [
    pytest.param(name, path, id=f"{name}:{'.'.join(map(str, path))}")
    for name, data in FULL.items()
    for path in texts(data)
]


def complaint(**fields: Any) -> dict[str, Any]:
    return stored(parsed("complaint.made", SMALLEST["complaint.made"] | fields))


def purchase(**fields: Any) -> dict[str, Any]:
    return stored(parsed("purchase.made", SMALLEST["purchase.made"] | fields))


def test_an_own_number_arrives_as_text_and_is_stored_sealed_with_a_key_to_join_by() -> None:
    assert purchase(receipt="0042")["receipt"] == {
        "value": sealed("0042"),
        "key": str(KEYED.document("receipt", "shop", "0042")),
    }


def test_a_number_of_another_document_becomes_its_key() -> None:
    assert purchase(order="W-9")["order"] == str(KEYED.document("order", "shop", "W-9"))


def test_a_number_that_another_source_issued_names_that_source() -> None:
    found = purchase(order={"source": "web", "number": "W-9"})["order"]
    assert found == str(KEYED.document("order", "web", "W-9"))


def test_a_sources_name_is_the_same_however_its_letters_are_composed() -> None:
    one = purchase(order={"source": "caf\u00e9", "number": "W-9"})
    other = purchase(order={"source": "cafe\u0301", "number": "W-9"})
    assert one == other


def test_a_reference_by_a_channels_id_becomes_the_events_id() -> None:
    about = complaint(about=[{"id": "0042"}, {"source": "crm", "id": "x"}])["about"]
    assert about == [str(KEYED.event_id("shop", "0042")), str(KEYED.event_id("crm", "x"))]


def test_a_reference_by_event_id_stays_as_it_is() -> None:
    assert complaint(repeat_of=ANOTHER_EVENT)["repeat_of"] == ANOTHER_EVENT


@pytest.mark.parametrize(
    "value",
    [
        "",
        "x" * 201,
        "a\x00",
        "\ud800",
        7,
        None,
        [],
        {},
        {"number": ""},
        {"number": 7},
        {"number": "1", "source": ""},
        {"number": "1", "source": None},
        {"number": "1", "id": "2"},
        {"id": "1"},
    ],
)
def test_a_number_that_is_none_is_refused(value: Any) -> None:
    line = LINE | {"returns": {"id": value}}
    with pytest.raises(Invalid):
        parsed("purchase.made", {"channel": "store", "lines": [line], "net": money("3.98")})
    with pytest.raises(Invalid) as refusal:
        parsed("complaint.made", SMALLEST["complaint.made"] | {"case": value or ""})
    assert refusal.value.field == "data.case"


def test_a_contact_point_arrives_as_text_and_is_stored_sealed_with_its_subject() -> None:
    at = door()
    point = {"kind": "phone", "value": "02 555 01 01"}
    event = parsed("customer.registered", SMALLEST["customer.registered"] | {"points": [point]}, at)
    assert stored(event)["points"] == [
        {
            "kind": "phone",
            "value": {
                "value": sealed("02 555 01 01"),
                "subject": "s_phonexxxxxxxxxxxxxxxxxxxxx",
            },
        }
    ]
    assert list(at.points) == ["phone:+3225550101"]


def test_a_contact_point_that_no_door_has_named_cannot_be_stored() -> None:
    point = {"kind": "phone", "value": {"value": "02 555 01 01"}}
    event = CustomerRegistered.model_validate(SMALLEST["customer.registered"] | {"points": [point]})
    with pytest.raises(Exception, match="no door has named") as failure:
        stored(event)
    assert "555" not in str(failure.value)


@pytest.mark.parametrize("value", ["", " ", "x" * 501, "a\x00", 7, None, {"value": "1"}])
def test_a_contact_point_that_is_none_is_refused(value: Any) -> None:
    data = SMALLEST["customer.registered"] | {"points": [{"kind": "email", "value": value}]}
    with pytest.raises(Invalid) as refusal:
        parsed("customer.registered", data)
    assert str(refusal.value.field).startswith("data.points.0")


@pytest.mark.parametrize(("event_type", "path"), EVERYWHERE)
def test_a_text_that_looks_sealed_is_refused_wherever_a_text_may_stand(
    event_type: str, path: Path
) -> None:
    with pytest.raises(Invalid) as refusal:
        parsed(event_type, with_value(FULL[event_type], path, sealed("Ada")))
    assert ".".join(["data", *map(str, path)]).startswith(str(refusal.value.field))


@pytest.mark.parametrize(("event_type", "path"), EVERYWHERE)
def test_nul_is_refused_wherever_a_text_may_stand(event_type: str, path: Path) -> None:
    with pytest.raises(Invalid):
        parsed(event_type, with_value(FULL[event_type], path, "a\x00b"))


@pytest.mark.parametrize(("event_type", "path"), EVERYWHERE)
def test_a_number_is_no_text_and_no_decimal(event_type: str, path: Path) -> None:
    with pytest.raises(Invalid):
        parsed(event_type, with_value(FULL[event_type], path, 1.5))


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.TYPE)
@pytest.mark.parametrize("data", [None, [], "text", 7])
def test_data_is_an_object(event: Any, data: Any) -> None:
    with pytest.raises(Invalid, match="is an object") as refusal:
        parsed(event.TYPE, data)
    assert refusal.value.field == "data"


def test_an_unknown_field_is_refused_by_name() -> None:
    with pytest.raises(Invalid, match="is not a field") as refusal:
        parsed("complaint.made", SMALLEST["complaint.made"] | {"isue": "late"})
    assert refusal.value.field == "data.isue"


@pytest.mark.parametrize("key", ["Ada Peeters", "0470123456", "ada@example.org", 32470123456])
def test_an_unknown_field_that_a_person_may_have_typed_is_not_repeated(key: Any) -> None:
    with pytest.raises(Invalid, match="is not a field") as refusal:
        parsed("complaint.made", SMALLEST["complaint.made"] | {key: "late"})
    assert refusal.value.field == "data.…"
