"""One value, one token: it opens again for whom it was made, and in no other way."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import Broken
from store.sealing import (
    DataKey,
    EventSealer,
    Tampered,
    key_id_in,
    key_id_of,
    open_token,
    seal,
    unwrap,
    wrap,
)

EVENT = UUID(int=7)
KEY = DataKey.make()
WRAPPING = b"w" * 32


def raw(token: str) -> bytes:
    text = token.removeprefix("~1.")
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def token_of(content: bytes) -> str:
    return "~1." + urlsafe_b64encode(content).rstrip(b"=").decode()


@given(st.text(max_size=300))
def test_a_sealed_value_opens_again(value: str) -> None:
    token = seal(KEY, "s_a", EVENT, value)

    assert open_token(KEY, "s_a", token) == value
    assert raw(token)[:32] == KEY.key_id + EVENT.bytes
    assert len(token) <= 83 + -(-4 * len(value.encode()) // 3)


def test_the_same_value_never_gives_the_same_token() -> None:
    assert len({seal(KEY, "s_a", EVENT, "x") for _ in range(100)}) == 100


@pytest.mark.parametrize("at", [0, 20, 40, 50, -1])
def test_a_changed_byte_anywhere_is_tampering(at: int) -> None:
    content = bytearray(raw(seal(KEY, "s_a", EVENT, "a value")))
    content[at] ^= 1

    with pytest.raises(Tampered):
        open_token(KEY, "s_a", token_of(bytes(content)))


@pytest.mark.parametrize("length", [0, 1, 16, 43, 59])
def test_a_cut_token_is_tampering(length: int) -> None:
    whole = raw(seal(KEY, "s_a", EVENT, "a value"))

    with pytest.raises(Tampered):
        open_token(KEY, "s_a", token_of(whole[:length]))


def test_a_token_with_foreign_letters_is_tampering() -> None:
    for token in ("~1.é", "~1.A", "~1."):
        with pytest.raises(Tampered):
            key_id_in(token)


def test_another_subjects_token_or_another_key_is_tampering() -> None:
    token = seal(KEY, "s_a", EVENT, "a value")
    for key, subject in ((KEY, "s_b"), (DataKey.make(), "s_a")):
        with pytest.raises(Tampered):
            open_token(key, subject, token)


def test_a_key_unwraps_under_its_own_id_class_and_ring_only() -> None:
    wrapped = wrap(WRAPPING, KEY, "identity")
    assert unwrap(WRAPPING, KEY.key_id, "identity", wrapped) == KEY

    other = DataKey.make()
    with pytest.raises(Tampered):
        unwrap(WRAPPING, KEY.key_id, "content", wrapped)
    with pytest.raises(Tampered):
        unwrap(WRAPPING, other.key_id, "identity", wrapped)
    with pytest.raises(Tampered):
        unwrap(b"x" * 32, KEY.key_id, "identity", wrapped)
    with pytest.raises(Tampered):
        unwrap(WRAPPING, KEY.key_id, "identity", wrap(WRAPPING, other, "identity"))


def test_a_key_id_commits_to_its_key() -> None:
    """Whoever holds the wrapping key could bind another key to this id; the id itself says no."""
    forged = AESGCM(WRAPPING).encrypt(bytes(12), b"f" * 32, KEY.key_id + b"identity")

    with pytest.raises(Tampered):
        unwrap(WRAPPING, KEY.key_id, "identity", bytes(12) + forged)
    assert key_id_of(KEY.key) == KEY.key_id


def test_no_key_shows_in_a_repr() -> None:
    assert KEY.key.hex() not in repr(KEY)
    assert repr(KEY.key) not in repr(KEY)


def test_what_belongs_to_no_person_seals_nothing() -> None:
    with pytest.raises(Broken):
        EventSealer("@shop:x", EVENT, None, {}).seal("somebody", "identity")
