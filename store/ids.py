"""Ids that are derived, not drawn: the same thing told twice is found again.

Each is a keyed hash, because channel ids hold e-mail addresses and order numbers, and a plain hash
of those can be guessed.
"""

import hmac
import secrets
from uuid import UUID

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_LETTERS = bytes(ord("a") + byte % 26 for byte in range(256))
_UNEVEN = bytes(range(256 - 256 % 26, 256))
"""Bytes that would make the first letters likelier than the last."""
_NAME_LETTERS = 26
_KEY_LETTERS = 26


def mac(key: bytes, content: bytes) -> bytes:
    """HMAC-SHA-256, 32 bytes."""
    # Not `hmac.digest`: that lets go of the interpreter for two microseconds of work, and the
    # appender then waits for it behind every busy thread of the process.
    return hmac.new(key, content, "sha256").digest()


def uuid8(digest: bytes) -> UUID:
    """A UUID of version 8 (RFC 9562) from the first 16 bytes of a hash.

    The bits are set by hand: `UUID(…, version=8)` raises on Python 3.11.
    """
    number = int.from_bytes(digest[:16], "big")
    number = number & ~(0xF << 76) | 0x8 << 76
    number = number & ~(0x3 << 62) | 0x2 << 62
    return UUID(int=number)


class Ids:
    """Derives ids under the ring's id key."""

    def __init__(self, key: bytes) -> None:
        # Copied for each id: preparing a key costs as much as hashing a short message.
        self._keyed = hmac.new(key, digestmod="sha256")

    def _derive(self, *parts: str) -> UUID:
        # Each part goes in behind its length: ("ab", "c") and ("a", "bc") are not the same.
        encoded = [part.encode() for part in parts]
        message = b"".join(len(part).to_bytes(4, "big") + part for part in encoded)
        keyed = self._keyed.copy()
        keyed.update(message)
        return uuid8(keyed.digest())

    def event_id(self, source: str, channel_id: str) -> UUID:
        """The id of the event that `source` calls `channel_id`."""
        return self._derive("event", source, channel_id)

    def document(self, kind: str, source: str, number: str) -> UUID:
        """The key of the document of `kind` that `source` numbers so."""
        return self._derive("document", kind, source, number)

    def command(self, principal: str, key: str) -> UUID:
        """The id of a command: its caller and his idempotency key."""
        return self._derive("command", principal, key)

    def of_command(self, command_id: UUID, nth: int) -> UUID:
        """The id of a command's `nth` event, from 0."""
        return self._derive("of command", command_id.hex, str(nth))

    def opened(self, subject: str) -> UUID:
        """The id of a subject's `subject.opened`: there can be one only."""
        return self._derive("opened", subject)


def lookup(key: bytes, kind: str, normal: str) -> bytes:
    """What an identifier is found by: HMAC-SHA-256 of kind and normal form, 32 bytes."""
    return mac(key, kind.encode() + b"\x00" + normal.encode())


def mint_subject() -> str:
    """A new subject's random name: `s_` and 26 letters, 122 bits."""
    letters = b""
    while len(letters) < _NAME_LETTERS:
        letters += secrets.token_bytes(2 * _NAME_LETTERS).translate(_LETTERS, delete=_UNEVEN)
    return "s_" + letters[:_NAME_LETTERS].decode()


def stream_key(event_id: UUID) -> str:
    """A UUID in Crockford's base32, 26 characters: the key of what that event opened."""
    number = event_id.int
    return "".join(_CROCKFORD[number >> 5 * i & 31] for i in reversed(range(_KEY_LETTERS)))
