"""One value, one token: AES-256-GCM under a data key of the event's subject.

    ~1. base64url( key id 16 | event id 16 | nonce 12 | ciphertext and tag )

Associated data is everything in front of the ciphertext, and the subject. No field name: tokens
travel through upcasts and into view columns under other names. The key id is derived from the key
and checked on opening, because GCM alone does not commit to its key.
"""

import hmac
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from schemas.errors import Broken
from schemas.personal import MARK, KeyClass, Sealer
from store.ids import mac

_ID = 16
_NONCE = 12
_HEAD = _ID + _ID + _NONCE
_TAG = 16


class Tampered(Broken):
    """A token or key does not open, or belongs to somebody else: somebody changed stored bytes."""


@dataclass(frozen=True, slots=True)
class DataKey:
    """One subject's key of one class. The raw bytes are kept, not the cipher: that costs 2.8 kB."""

    key_id: bytes
    key: bytes = field(repr=False)

    @staticmethod
    def make() -> "DataKey":
        """A new random key."""
        key = secrets.token_bytes(32)
        return DataKey(key_id_of(key), key)

    def fingerprint_key(self) -> bytes:
        """What contents of this subject are fingerprinted with: equal ones are found to be equal,
        and nobody else's can be compared with them."""
        return mac(self.key, b"fingerprint")


def key_id_of(key: bytes) -> bytes:
    """The first 16 bytes of HMAC(key, "key id")."""
    return mac(key, b"key id")[:_ID]


def fingerprint(key: bytes, content: bytes) -> bytes:
    """The first 16 bytes of HMAC(key, content)."""
    return mac(key, content)[:16]


def wrap(wrapping: bytes, key: DataKey, key_class: KeyClass) -> bytes:
    """A data key's bytes under the ring's wrapping key, bound to its id and class."""
    nonce = secrets.token_bytes(_NONCE)
    return nonce + AESGCM(wrapping).encrypt(nonce, key.key, key.key_id + key_class.encode())


def unwrap(wrapping: bytes, key_id: bytes, key_class: KeyClass, wrapped: bytes) -> DataKey:
    """The data key again; raises Tampered for a replaced row or another ring's wrapping key."""
    try:
        key = AESGCM(wrapping).decrypt(
            wrapped[:_NONCE], wrapped[_NONCE:], key_id + key_class.encode()
        )
    except InvalidTag:
        raise Tampered("a data key does not unwrap: its row was changed, or the ring") from None
    if not hmac.compare_digest(key_id_of(key), key_id):
        raise Tampered("a data key is not the one that its row names")
    return DataKey(key_id, key)


def seal(key: DataKey, subject: str, event_id: UUID, value: str) -> str:
    """The token of one value."""
    nonce = secrets.token_bytes(_NONCE)
    head = key.key_id + event_id.bytes + nonce
    sealed = AESGCM(key.key).encrypt(nonce, value.encode(), head + subject.encode())
    return MARK + urlsafe_b64encode(head + sealed).rstrip(b"=").decode()


Seal = Callable[[DataKey, str, UUID, str], str]
"""How one value is sealed; another one than `seal` only where a test proves what sealing hides."""


def open_token(key: DataKey, subject: str, token: str) -> str:
    """The value again; raises Tampered when the token was made otherwise than it says."""
    raw = _raw(token)
    head, sealed = raw[:_HEAD], raw[_HEAD:]
    if head[:_ID] != key.key_id:
        raise Tampered("a sealed value names another key")
    try:
        plain = AESGCM(key.key).decrypt(head[_ID + _ID :], sealed, head + subject.encode())
    except InvalidTag:
        raise Tampered("a sealed value does not open under the key that it names") from None
    return plain.decode()


def key_id_in(token: str) -> bytes:
    """Which key a token was made with; raises Tampered for what is no token."""
    return _raw(token)[:_ID]


def _raw(token: str) -> bytes:
    text = token[len(MARK) :]
    try:
        raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        raise Tampered("a sealed value is damaged") from None
    if len(raw) < _HEAD + _TAG:
        raise Tampered("a sealed value is cut short")
    return raw


class EventSealer(Sealer):
    """Seals one event's values.

    `key` gives the subject's key of a class, None for what belongs to no person: such an event has
    no personal field. `points` maps the contact points that the event names to their subjects.
    """

    def __init__(
        self,
        subject: str,
        event_id: UUID,
        key: Callable[[KeyClass], DataKey] | None,
        points: Mapping[str, str],
        seal_value: Seal = seal,
    ) -> None:
        self._subject = subject
        self._event_id = event_id
        self._key = key
        self._points = points
        self._seal_value = seal_value

    def seal(self, value: str, key_class: KeyClass) -> str:
        if self._key is None:
            raise Broken("an event that belongs to no person has a personal field")
        return self._seal_value(self._key(key_class), self._subject, self._event_id, value)

    def subject_of(self, identifier: str) -> str:
        return self._points[identifier]
