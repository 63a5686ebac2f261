"""The small types: codes, decimals, money, whole numbers, durations."""

import unicodedata
from decimal import Decimal
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from schemas.errors import Invalid
from schemas.fields import Bytes, Code, DecimalText, Flag, Seconds, StrictCode, SubjectName, Whole
from schemas.money import Money
from tests.unit.schemas_contract.examples import LINE, money, parsed


def read(kind: Any, value: Any) -> Any:
    return TypeAdapter(kind).validate_python(value)


@pytest.mark.parametrize(
    "text", ["a", "TROPICAL FRUIT", "a/b", "~", "~1", "~2.x", "x~1.y", "é", "日本", "x" * 200, " "]
)
def test_a_code_is_kept_as_it_is(text: str) -> None:
    assert read(Code, text) == text


@pytest.mark.parametrize("text", ["e\u0301", "\u212b", "가"])
def test_a_code_is_kept_composed(text: str) -> None:
    assert read(Code, text) == unicodedata.normalize("NFC", text)
    assert unicodedata.is_normalized("NFC", read(Code, unicodedata.normalize("NFD", text)))


@pytest.mark.parametrize("code", [*range(0x20), *range(0x7F, 0xA0)])
def test_a_code_holds_no_control_character(code: int) -> None:
    for text in (chr(code), f"a{chr(code)}", f"é{chr(code)}b"):
        with pytest.raises(ValidationError):
            read(Code, text)


@pytest.mark.parametrize(
    "text", ["", "x" * 201, "é" * 201, "\u0958" * 101, "~1.", "~1.é", "\ud800"]
)
def test_what_is_empty_too_long_seemingly_sealed_or_no_unicode_is_no_code(text: str) -> None:
    with pytest.raises(ValidationError):
        read(Code, text)


@pytest.mark.parametrize("value", [7, 1.5, True, None, b"a", ["a"]])
def test_a_code_is_a_text(value: Any) -> None:
    with pytest.raises(ValidationError):
        read(Code, value)


@pytest.mark.parametrize("text", ["a b", "a/b", "é/b", "é b", " ", "/"])
def test_a_code_for_names_and_actors_holds_no_space_and_no_slash(text: str) -> None:
    assert read(Code, text) == text
    with pytest.raises(ValidationError):
        read(StrictCode, text)


@pytest.mark.parametrize("text", ["a17", "!", "}", ".", "0", "-", "é"])
def test_a_code_for_names_and_actors_is_kept_as_it_is(text: str) -> None:
    assert read(StrictCode, text) == text


@pytest.mark.parametrize("text", ["s_" + "a" * 25, "s_" + "A" * 26, "x_" + "a" * 26, "@house:x"])
def test_a_subjects_name_is_s_and_26_letters(text: str) -> None:
    assert read(SubjectName, "s_" + "z" * 26)
    with pytest.raises(ValidationError):
        read(SubjectName, text)


@pytest.mark.parametrize("text", ["0", "-0", "12.34", "-0.5", "007", "9" * 15 + ".999999"])
def test_a_decimal_is_read_exactly(text: str) -> None:
    assert read(DecimalText, text) == Decimal(text)


@pytest.mark.parametrize(
    "text",
    [
        *("", ".5", "5.", "+1", "1e3", "1,5", "1 000", "NaN", "Infinity", "0x1", "٣", "1\n"),
        *("9" * 16, "0.1234567"),
    ],
)
def test_other_spellings_are_no_decimals(text: str) -> None:
    with pytest.raises(ValidationError):
        read(DecimalText, text)


@pytest.mark.parametrize("number", [1, 1.5, 0, True])
def test_a_json_number_is_refused_as_a_decimal_and_told_why(number: Any) -> None:
    with pytest.raises(Invalid, match=r"is a text such as '12\.34'") as refusal:
        parsed("purchase.made", {"channel": "store", "lines": [LINE | {"quantity": number}]})
    assert refusal.value.field == "data.lines.0.quantity"
    with pytest.raises(Invalid, match="at most 4 digits") as refusal:
        parsed(
            "purchase.made", {"channel": "s", "lines": [], "net": money("1") | {"amount": number}}
        )
    assert refusal.value.field == "data.net.amount"


@pytest.mark.parametrize("amount", ["1", "1.2", "1.2345", "-1.20", "9" * 15])
def test_money_has_at_most_four_digits_behind_the_point(amount: str) -> None:
    assert Money.model_validate(money(amount)).amount == Decimal(amount)
    assert Money.model_validate(money(amount)).model_dump(mode="json") == money(amount)
    with pytest.raises(ValidationError):
        Money.model_validate(money("1.23456"))


def test_what_our_own_code_computes_is_held_to_the_same_digits() -> None:
    assert Money(amount=Decimal("1E+2"), currency="EUR").model_dump(mode="json") == money("100")
    for amount in (Decimal(1) / Decimal(3), Decimal("NaN"), Decimal("Infinity"), Decimal("1E+15")):
        with pytest.raises(ValidationError):
            Money(amount=amount, currency="EUR")


@pytest.mark.parametrize("currency", ["eur", "EU", "EURO", "EU1", "", "€", 978])
def test_a_currency_is_three_capital_letters(currency: Any) -> None:
    with pytest.raises(ValidationError):
        Money.model_validate({"amount": "1", "currency": currency})


def test_money_is_amount_and_currency_and_nothing_else() -> None:
    for value in ("12.34 EUR", {"amount": "1"}, money("1") | {"cents": 1}):
        with pytest.raises(ValidationError):
            Money.model_validate(value)


@pytest.mark.parametrize("number", [2**53 - 1, -(2**53) + 1, 0])
def test_a_whole_number_is_one_that_every_json_reader_keeps(number: int) -> None:
    assert read(Whole, number) == number


@pytest.mark.parametrize("number", [2**53, -(2**53), 1.0, "1", True])
def test_other_whole_numbers_are_refused(number: Any) -> None:
    with pytest.raises(ValidationError):
        read(Whole, number)


def test_durations_and_sizes_are_never_negative() -> None:
    assert read(Seconds, 0) == 0
    assert read(Bytes, 3_000_000_000) == 3_000_000_000
    for kind in (Seconds, Bytes):
        with pytest.raises(ValidationError):
            read(kind, -1)


@pytest.mark.parametrize("value", [0, 1, "true", None])
def test_a_flag_is_true_or_false(value: Any) -> None:
    with pytest.raises(ValidationError):
        read(Flag, value)
