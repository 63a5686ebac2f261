"""A token says how far a reader must have come, in a text that fits a URL."""

import pytest

from schemas.errors import Invalid
from schemas.receipts import Token


def test_a_token_is_epoch_and_sequences_in_order() -> None:
    assert Token(0xA0, {11: 7, 2: 30}).text() == "a0.2-30.11-7"


def test_a_token_without_sequences_waits_for_nothing() -> None:
    assert Token.parse("1f") == Token(31, {})


def test_any_epoch_that_a_store_may_draw_fits() -> None:
    assert Token.parse(Token(2**63 - 1, {0: 1}).text()) == Token(2**63 - 1, {0: 1})


@pytest.mark.parametrize(
    "text",
    [
        *("", ".", "1.", "1.2", "1.2-", "1.-2", "1.2-3.", "1..2-3", "1.2-3-4", "1.2--3", "G", "1A"),
        *("-1", "1 .2-3", "1.2-3 ", "1.2-3\n", "1.a-3", "1.2-٣", "f" * 17, "1.123456-1"),
        "1.1-" + "9" * 19,
    ],
)
def test_what_no_receipt_gave_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match="as a receipt gave it") as refusal:
        Token.parse(text)
    assert refusal.value.field == "at_least"


def test_joined_tokens_wait_for_the_later_of_both() -> None:
    joined = Token(5, {1: 10, 2: 20}).joined(Token(5, {2: 15, 3: 30}))
    assert joined == Token(5, {1: 10, 2: 20, 3: 30})
