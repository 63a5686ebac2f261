"""An identifier is compared in one form, however it is written, and never lost over a slip."""

import pytest

from schemas.errors import Invalid
from schemas.identifiers import identifier, is_house, is_subject, parse_identifier


def normal(kind: str, value: str, region: str = "BE") -> str:
    return identifier(kind, value, region).normal


@pytest.mark.parametrize(
    "spelling",
    [
        "+32 2 555 01 01",
        "+3225550101",
        "0032 2 555 01 01",
        "02/555.01.01",
        "02 555 01 01",
        "(02) 555-01-01",
        "tel:+32-2-555-01-01",
        "+32 (0)2 555 01 01",
        "\uff0b\uff13\uff12 2 555 01 01",
    ],
)
def test_a_phone_number_is_e164_however_it_is_written(spelling: str) -> None:
    assert normal("phone", spelling) == "+3225550101"


def test_a_national_number_is_read_in_the_region_that_is_set() -> None:
    assert normal("phone", "020 7946 0958", "GB") == "+442079460958"
    assert normal("phone", "(202) 555-0143", "US") == "+12025550143"


def test_a_number_that_parses_but_is_not_valid_is_kept_as_e164() -> None:
    assert normal("phone", "+32 2 1") == "+3221"


@pytest.mark.parametrize(("text", "digits"), [("x9", "9"), ("1", "1"), ("ext. 7-7", "77")])
def test_what_does_not_parse_keeps_its_digits(text: str, digits: str) -> None:
    assert normal("phone", text) == digits


def test_what_holds_no_digit_is_kept_folded() -> None:
    assert normal("phone", "  Withheld   Number ") == "withheld number"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Ada@Example.ORG", "Ada@example.org"),
        ("  ada@example.org ", "ada@example.org"),
        ('"odd@local"@EXAMPLE.org', '"odd@local"@example.org'),
        ("jose\u0301@B\u00dcCHER.example", "jos\u00e9@b\u00fccher.example"),
        ("no-domain", "no-domain"),
    ],
)
def test_an_email_has_its_domain_lowered_and_nothing_else(text: str, expected: str) -> None:
    assert normal("email", text) == expected


def test_an_address_is_folded_and_its_spaces_are_one() -> None:
    assert normal("postal", " Dorpsstraat  1,\n9000 GENT") == "dorpsstraat 1, 9000 gent"


@pytest.mark.parametrize("kind", ["crm", "device", "card", "social", "household", "anonymous"])
def test_codes_are_compared_letter_by_letter(kind: str) -> None:
    assert normal(kind, " Ab-1 ") == "Ab-1"
    assert normal(kind, "e\u0301") == "\u00e9"


def test_a_value_is_kept_as_given_beside_its_normal_form() -> None:
    known = parse_identifier("phone:02 555 01 01", "BE")
    assert (known.kind, known.value, known.text) == ("phone", "02 555 01 01", "phone:+3225550101")


def test_a_value_may_hold_colons() -> None:
    assert parse_identifier("social:mastodon:@ada@example.org", "BE").value.startswith("mastodon:")


@pytest.mark.parametrize("kind", ["crm", "household", "anonymous"])
def test_opaque_codes_may_stand_in_a_url(kind: str) -> None:
    assert identifier(kind, "1001", "BE").opaque


@pytest.mark.parametrize(
    "kind", ["phone", "email", "postal", "social", "device", "card", "loyalty"]
)
def test_what_may_be_a_person_never_stands_in_a_url(kind: str) -> None:
    assert not identifier(kind, "1001", "BE").opaque


def test_a_kind_that_nobody_registered_is_accepted() -> None:
    assert parse_identifier("loyalty_card:77 01", "BE").text == "loyalty_card:77 01"


@pytest.mark.parametrize(
    "text",
    [
        *("Ada", ":Ada", "CRM:Ada", "crm 2:Ada", "9crm:Ada", "crm:", "crm:  "),
        *("crm:Ada\x00", "crm:~1.Ada", "crm:" + "x" * 501, "x" * 41 + ":Ada"),
    ],
)
def test_what_is_no_identifier_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(Invalid) as refusal:
        parse_identifier(text, "BE", "from")
    assert refusal.value.field == "from"
    assert "Ada" not in refusal.value.reason


def test_no_repr_shows_who_it_is() -> None:
    assert repr(parse_identifier("phone:02 555 01 01", "BE")) == "Identifier(phone:…)"


def test_a_subjects_own_name_is_known_by_its_form() -> None:
    assert is_subject("s_" + "a" * 26)
    assert not any(map(is_subject, ("s_" + "a" * 25, "S_" + "a" * 26, "crm:1", "s_" + "1" * 26)))


def test_the_house_is_known_by_its_form() -> None:
    assert is_house("@source:shop")
    assert not any(map(is_house, ("source:shop", "@source:", "@source:a b", "@source:a/b", "@:x")))
