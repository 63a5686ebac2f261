"""A view covers a token exactly when it has read everything that was written with it."""

from hypothesis import given
from hypothesis import strategies as st

from api.waiting import covers
from schemas.receipts import Token

_Sequences = st.dictionaries(st.integers(0, 4), st.integers(0, 6))


@given(reached=_Sequences, wanted=_Sequences)
def test_covers_is_every_partition_at_least_as_far(
    reached: dict[int, int], wanted: dict[int, int]
) -> None:
    events = {(p, s) for p, last in wanted.items() for s in range(1, last + 1)}
    read = {(p, s) for p, last in reached.items() for s in range(1, last + 1)}

    assert covers(reached, Token(1, wanted)) == (events <= read)


@given(reached=_Sequences, one=_Sequences, other=_Sequences)
def test_tokens_that_are_joined_are_covered_together(
    reached: dict[int, int], one: dict[int, int], other: dict[int, int]
) -> None:
    both = Token(1, one).joined(Token(1, other))

    assert covers(reached, both) == (
        covers(reached, Token(1, one)) and covers(reached, Token(1, other))
    )


@given(reached=_Sequences, wanted=_Sequences, further=_Sequences)
def test_what_was_covered_stays_covered(
    reached: dict[int, int], wanted: dict[int, int], further: dict[int, int]
) -> None:
    later = {p: reached.get(p, 0) + further.get(p, 0) for p in reached.keys() | further.keys()}

    assert covers(later, Token(1, wanted)) or not covers(reached, Token(1, wanted))
