"""Canonical JSON is RFC 8785 for all that the wire contract can hold."""

from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from schemas.canonical import canonical, parsed
from schemas.errors import Invalid

# Keys are the contract's own names, ASCII. The standard sorts keys by UTF-16 units and orjson by
# code points; the two differ only where keys hold characters above U+FFFF beside U+E000 … U+FFFF.
KEYS = st.text(st.characters(max_codepoint=0x7F), max_size=8)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
WHOLE = st.integers(min_value=-(2**53) + 1, max_value=2**53 - 1)
JSON = st.recursive(
    st.none() | st.booleans() | WHOLE | TEXTS,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=20,
)


@given(JSON)
def test_it_is_what_a_library_of_the_whole_standard_writes(value: Any) -> None:
    assert canonical(value) == rfc8785.dumps(value)


@given(JSON)
def test_it_reads_back_as_the_same(value: Any) -> None:
    assert parsed(canonical(value)) == value


@given(st.dictionaries(KEYS, WHOLE, max_size=8), st.randoms(use_true_random=False))
def test_the_order_of_keys_does_not_matter(value: dict[str, int], random: Any) -> None:
    shuffled = list(value.items())
    random.shuffle(shuffled)
    assert canonical(dict(shuffled)) == canonical(value)


@pytest.mark.parametrize("value", [2**53, -(2**53), "\ud800", {1: 2}, {"a": {1, 2}}, object()])
def test_what_json_cannot_carry_exactly_is_refused(value: Any) -> None:
    with pytest.raises(Invalid):
        canonical(value)


def test_keys_beyond_ascii_are_why_the_contracts_names_are_ascii() -> None:
    value = {"\U0001f600": 1, "\uff21": 2}
    assert canonical(value) != rfc8785.dumps(value)
