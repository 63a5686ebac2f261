"""Opening sealed values for whoever may see them, in any thread.

A token names its key, and the key its subject: a value that turns up among another customer's is
refused, not shown. A destroyed key opens as `Erased`; a key that cannot be found or reached is a
fault of the world, never a blank.
"""

import threading
from collections import OrderedDict
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from schemas.errors import Unavailable
from schemas.personal import Erased, Opener
from store.reaching import Pool, reach
from store.ring import Ring
from store.sealing import DataKey, Tampered, key_id_in, open_token, unwrap

REMEMBERED_MAX = 100_000

_LOAD = "SELECT key_id, subject, class, wrapped FROM subject_keys WHERE key_id = ANY(%s)"


@dataclass(frozen=True, slots=True)
class _Owned:
    subject: str
    key: DataKey | None


class Keys:
    """The data keys that this process has unwrapped for reading."""

    def __init__(self, pool: Pool, ring: Ring) -> None:
        self._pool = pool
        self._ring = ring
        self._lock = threading.Lock()
        self._known: OrderedDict[bytes, _Owned] = OrderedDict()

    def opener(self, subjects: Collection[str], tokens: Iterable[str]) -> Opener:
        """What opens `tokens`, all of which must belong to one of `subjects`.

        One round trip for all keys that are not known yet. Raises Unavailable when the store cannot
        be reached or a key is not there; opening raises Tampered for somebody else's token.
        """
        # Another process may have erased somebody a moment ago.
        self._ring.refresh()
        wanted = {key_id_in(token) for token in tokens}
        with self._lock:
            owned = {key_id: self._known[key_id] for key_id in wanted & self._known.keys()}
        if missing := wanted - owned.keys():
            owned |= self._load(missing)
        return _KeysOpener(frozenset(subjects), owned, self._ring)

    def _load(self, key_ids: set[bytes]) -> dict[bytes, _Owned]:
        with reach(self._pool) as connection:
            rows = connection.execute(_LOAD, [list(key_ids)]).fetchall()
        loaded = {
            key_id: _Owned(subject, unwrap(self._ring.wrapping, key_id, key_class, wrapped))
            for key_id, subject, key_class, wrapped in rows
            if wrapped is not None
        }
        with self._lock:
            self._known.update(loaded)
            while len(self._known) > REMEMBERED_MAX:
                self._known.popitem(last=False)
        destroyed = {row[0]: _Owned(row[1], None) for row in rows if row[3] is None}
        return loaded | destroyed


class _KeysOpener(Opener):
    def __init__(self, subjects: frozenset[str], owned: dict[bytes, _Owned], ring: Ring) -> None:
        self._subjects = subjects
        self._owned = owned
        self._ring = ring

    def open(self, token: str) -> str | Erased:
        key_id = key_id_in(token)
        if self._ring.is_destroyed(key_id):
            return Erased.ERASED
        owned = self._owned.get(key_id)
        if owned is None:
            raise Unavailable("a value's key is not in the store: restore its backup")
        if owned.subject not in self._subjects:
            raise Tampered("a sealed value stands among another customer's")
        if owned.key is None:
            return Erased.ERASED
        return open_token(owned.key, owned.subject, token)
