"""A token reads back as what it said, and waits for all that was joined into it."""

from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import Invalid
from schemas.receipts import Token

SEQUENCES = st.dictionaries(st.integers(0, 99_999), st.integers(0, 10**18 - 1), max_size=12)
EPOCHS = st.integers(0, 2**63 - 1)


@given(EPOCHS, SEQUENCES)
def test_a_token_reads_back(epoch: int, sequences: dict[int, int]) -> None:
    token = Token(epoch, sequences)
    assert Token.parse(token.text()) == token


@given(SEQUENCES, SEQUENCES)
def test_joining_never_waits_for_less(one: dict[int, int], other: dict[int, int]) -> None:
    joined = Token(1, one).joined(Token(1, other)).sequences
    assert joined.keys() == one.keys() | other.keys()
    for part in (one, other):
        assert all(joined[partition] >= sequence for partition, sequence in part.items())
    assert all(joined[p] in (one.get(p), other.get(p)) for p in joined)


@given(st.text("0123456789abcdefg.-", max_size=12))
def test_any_other_text_is_refused_or_is_a_token(text: str) -> None:
    with suppress(Invalid):
        token = Token.parse(text)
        assert Token.parse(token.text()) == token
