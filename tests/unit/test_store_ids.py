"""Ids are derived under the ring's key, told apart by their parts, and of version 8."""

import hashlib
from uuid import RFC_4122, UUID

from hypothesis import given
from hypothesis import strategies as st

from schemas.identifiers import is_subject
from store.ids import Ids, lookup, mint_subject, stream_key, uuid8

IDS = Ids(bytes(32))


@given(st.binary(min_size=16, max_size=32))
def test_a_hash_becomes_a_uuid_of_version_8_that_keeps_its_other_bits(digest: bytes) -> None:
    made = uuid8(digest)

    assert (made.version, made.variant) == (8, RFC_4122)
    fixed = 0xF << 76 | 0x3 << 62
    assert made.int & ~fixed == int.from_bytes(digest[:16], "big") & ~fixed


def test_the_same_is_derived_again_and_under_another_key_it_is_another() -> None:
    assert IDS.event_id("shop", "1") == Ids(bytes(32)).event_id("shop", "1")
    assert IDS.event_id("shop", "1") != Ids(b"\x01" * 32).event_id("shop", "1")


def test_no_letter_can_wander_from_one_part_to_the_next() -> None:
    assert IDS.event_id("ab", "c") != IDS.event_id("a", "bc")
    assert IDS.event_id("a", "") != IDS.event_id("", "a")
    assert IDS.document("order", "shop", "1") != IDS.document("case", "shop", "1")
    assert lookup(b"k", "crm", "1") != lookup(b"k", "phone", "1")


def test_what_is_derived_for_different_ends_never_meets() -> None:
    command = IDS.command("agent", "key")
    derived = [
        IDS.event_id("agent", "key"),
        IDS.document("agent", "key", ""),
        command,
        IDS.of_command(command, 0),
        IDS.of_command(command, 1),
        IDS.opened("agent"),
    ]
    assert len(set(derived)) == len(derived)


def test_a_minted_subject_is_one_and_never_the_same() -> None:
    minted = {mint_subject() for _ in range(1_000)}
    assert len(minted) == 1_000
    assert all(map(is_subject, minted))


@given(st.uuids())
def test_a_stream_key_is_the_id_in_26_letters_and_sorts_like_it(event_id: UUID) -> None:
    key = stream_key(event_id)

    letters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
    number = 0
    for letter in key:
        number = number * 32 + letters.index(letter)
    assert (len(key), number) == (26, event_id.int)


def test_a_stream_keys_letters_are_crockfords() -> None:
    assert stream_key(UUID(int=0)) == "0" * 26
    assert stream_key(UUID(int=2**128 - 1)) == "7" + "Z" * 25
    assert stream_key(uuid8(hashlib.sha256(b"x").digest())).isupper()
