"""The models hold the contract's fields: all of them, no others, of its types, as required."""

from typing import Any

import pytest

from schemas.described import event_schema
from schemas.errors import Invalid
from schemas.registry import EVENTS
from tests.unit.schemas_contract.examples import FULL, REGISTRY, SMALLEST, parsed, stored

# field: type, `!` required, purpose/sensitivity if personal. C code, P personal, F free text,
# M money, i int, d decimal, b bool, D date, P@ contact point, N own number, K number, R event.
CONTACT = """
channel C!; location C; agent C; campaign C; case K; about [R]; language C; cost M
"""
TABLES = {
    "subject.opened": "kind C!; identifier P! identify/1; normaliser C!",
    "subject.erased": "reason C!; request K; keys_destroyed i!",
    "customer.registered": """
        party C!; relationship C!; name_given P identify/1; name_middle P identify/1;
        name_family P identify/1; name_full P identify/1; salutation C; birth_date P identify/3;
        points [Point]; addresses [Address]; language C; zone C; acquired_via C;
        acquired_campaign C; referrer R; home_location C; registered_on D
    """,
    "purchase.made": """
        channel C!; location C; receipt N bill/2; register C; agent C; lines [Line]!; net M!; tax M;
        tax_included b; paid M; tenders [Tender]; rep Reporting; order K; programme C; campaign C;
        employee_sale b; recurring K
    """,
    "complaint.made": CONTACT
    + """;
        complaint N identify/1; via C!; product C; sub_product C; issue C!; sub_issue C;
        text F serve/3; severity C; wanted C; disputed M; forwarded_on D; answer_by D; repeat_of R;
        attachments [Attachment]
    """,
    "Line": """
        no i!; product C!; category C!; department C; brand C; kind C; quantity d!; unit C!; list M;
        net M!; tax M; tax_rate d; discounts [Discount]; cost M; returns R
    """,
    "Discount": "kind C!; amount M!; funded_by C!; in_net b!; campaign C; offer C; coupon C",
    "Tender": "method C!; amount M!; card P bill/2",
    "Reporting": "amount M!; rate d!; rate_date D!; rate_source C!",
    "Attachment": """
        store C!; object C!; media_type C!; bytes i!; digest C!; kind C!; name F serve/3
    """,
    "Point": "kind C!; value P@! contact/1; label C; shared b; verified C",
    "Address": """
        purpose C!; lines [P]! deliver/2; city P deliver/2; region C; postcode P deliver/2;
        country C!
    """,
    "Money": "amount d!; currency C!",
}
MEMBERS = {
    ("complaint.made", "channel"): "voice video chat email sms social fax letter push web in_person"
    " referral",
    ("complaint.made", "via"): "direct regulator ombudsman referral social",
    ("subject.erased", "reason"): "request retention court",
    ("customer.registered", "party"): "person organisation household",
    ("customer.registered", "relationship"): "customer prospect employee partner test",
    ("Discount", "kind"): "loyalty coupon match promotion employee manual points tier",
    ("Discount", "funded_by"): "seller manufacturer partner programme",
    ("Tender", "method"): "cash card transfer points gift_card credit",
    ("Attachment", "kind"): "recording transcript document image",
    ("Point", "kind"): "phone email postal social device",
    ("Point", "verified"): "none code document login",
    ("Address", "purpose"): "home billing delivery",
}
KINDS_OF_NUMBER = {
    ("subject.erased", "request"): "case",
    ("purchase.made", "receipt"): "receipt",
    ("purchase.made", "order"): "order",
    ("purchase.made", "recurring"): "contract",
    ("complaint.made", "case"): "case",
    ("complaint.made", "complaint"): "complaint",
}


def tables() -> dict[str, dict[str, Any]]:
    """Every event's and every block's inbound schema, by its name."""
    found: dict[str, dict[str, Any]] = {}
    for event in EVENTS:
        schema = event_schema(event, "inbound")
        found[event.TYPE] = schema
        found |= schema.get("$defs", {})
    return found


def variants(field: dict[str, Any]) -> list[dict[str, Any]]:
    return [part for part in field.get("anyOf", [field]) if part.get("type") != "null"]


def letter(field: dict[str, Any]) -> str:
    """The contract's letter for a field's schema."""
    part = variants(field)[0]
    if "items" in part:
        return f"[{letter(part['items'])}]"
    if "$ref" in part:
        block: str = part["$ref"].rpartition("/")[2]
        return {"Money": "M"}.get(block, block)
    if "x-personal" in part:
        own = "N" if "x-hashed" in part else "P@" if "x-point" in part else "P"
        return "F" if part["x-personal"] == "content" else own
    if "x-hashed" in part:
        return "R" if part["x-hashed"] == "event" else "K"
    if "x-code" in part or "enum" in part:
        return "C"
    words = {"decimal": "d", "date": "D", "integer": "i", "boolean": "b"}
    return words[part.get("format", part["type"])]


def use(field: dict[str, Any]) -> str:
    part = variants(field)[0]
    part = part.get("items", part)
    return f" {part['x-purpose']}/{part['x-sensitivity']}" if "x-purpose" in part else ""


def test_every_event_and_block_is_in_the_table() -> None:
    assert tables().keys() == TABLES.keys()


@pytest.mark.parametrize("name", TABLES)
def test_fields_have_the_contracts_types_requiredness_and_purposes(name: str) -> None:
    schema = tables()[name]
    required = schema["required"]
    found = {
        f"{field} {letter(part)}{'!' if field in required else ''}{use(part)}"
        for field, part in schema["properties"].items()
    }
    assert found == {" ".join(row.split()) for row in TABLES[name].split(";")}


@pytest.mark.parametrize(("name", "field"), MEMBERS)
def test_closed_lists_have_the_contracts_members(name: str, field: str) -> None:
    part = variants(tables()[name]["properties"][field])[0]
    assert part["enum"] == MEMBERS[name, field].split()


@pytest.mark.parametrize(("name", "field"), KINDS_OF_NUMBER)
def test_numbers_are_hashed_by_the_kind_of_their_document(name: str, field: str) -> None:
    part = variants(tables()[name]["properties"][field])[0]
    assert part["x-hashed"] == KINDS_OF_NUMBER[name, field]


def test_what_the_open_door_takes_are_touchpoints() -> None:
    assert {event.TYPE for event in EVENTS if event.TOUCHPOINT} == {
        "purchase.made",
        "complaint.made",
    }


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.TYPE)
def test_the_full_example_leaves_no_field_out(event: Any) -> None:
    fields = event_schema(event, "inbound")["properties"]
    assert FULL[event.TYPE].keys() == fields.keys()


@pytest.mark.parametrize("event_type", FULL)
def test_the_full_example_is_read_and_stored_and_read_again(event_type: str) -> None:
    kept = stored(parsed(event_type, FULL[event_type]))
    assert kept.keys() == FULL[event_type].keys()
    again = REGISTRY.model(event_type, 1).model_validate(kept)
    assert again.model_dump(mode="json", exclude_none=True) == kept


@pytest.mark.parametrize("event_type", SMALLEST)
def test_the_smallest_example_is_read_and_nothing_is_added_to_it(event_type: str) -> None:
    assert stored(parsed(event_type, SMALLEST[event_type])).keys() == SMALLEST[event_type].keys()


@pytest.mark.parametrize(
    ("event_type", "field"), [(name, field) for name, data in SMALLEST.items() for field in data]
)
def test_without_any_one_of_its_fields_the_smallest_example_is_refused(
    event_type: str, field: str
) -> None:
    data = {name: value for name, value in SMALLEST[event_type].items() if name != field}
    with pytest.raises(Invalid, match="is required") as refusal:
        parsed(event_type, data)
    assert refusal.value.field == f"data.{field}"
