"""The ring: a folder of key files beside the database, never inside it.

Whoever has the database alone reads no personal value; whoever loses the ring never will again.
None of the keys is derived from another.
"""

import hashlib
import hmac
import os
import re
import secrets
import shutil
import stat
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from schemas.errors import Broken

KEY_BYTES = 32
_FILES = ("wrapping", "lookup", "id", "fingerprint", "service")
_DESTROYED = "destroyed"
_LIST_MISSING = "the ring's list of destroyed keys is missing: restore it"
_LINE_LENGTH = 32
_LINE = re.compile(rb"[0-9a-f]{1,32}")
_OPEN_TO_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class RingFault(Broken):
    """The ring is missing, readable by others, damaged, or another store's."""


@dataclass
class Ring:
    """The keys of one store.

    `wrapping` wraps data keys; `lookup` finds identifiers; `id` derives event ids and document
    keys; `fingerprint` serves subjects that are no persons; `service` seals rejected bytes. The
    list of destroyed key ids keeps a restored database erased.
    """

    folder: Path
    wrapping: bytes = field(repr=False)
    lookup: bytes = field(repr=False)
    id: bytes = field(repr=False)
    fingerprint: bytes = field(repr=False)
    service: bytes = field(repr=False)
    _destroyed: frozenset[bytes] = field(default=frozenset(), repr=False)
    _list_state: tuple[int, int] = (0, 0)

    @property
    def identity(self) -> bytes:
        """16 bytes that name this ring in the store, and tell nothing of its keys.

        The wrapping key is left out: it may be changed without becoming another ring.
        """
        parts = self.lookup + self.id + self.fingerprint + self.service
        return hmac.digest(hashlib.sha256(parts).digest(), b"ring id", "sha256")[:16]

    @staticmethod
    def create(folder: Path) -> "Ring":
        """Make a new ring; raises RingFault where something is already.

        All of it appears at once: half a ring after a crash would look like a lost one.
        """
        with _appearing(folder) as made:
            for name in _FILES:
                _write(made / f"{name}.key", secrets.token_bytes(KEY_BYTES))
            _write(made / _DESTROYED, b"")
        return Ring.open(folder)

    @staticmethod
    def open(folder: Path) -> "Ring":
        """Read a ring; raises RingFault when it is missing, damaged or open to others."""
        if not folder.is_dir():
            raise RingFault(
                "the ring is missing: restore its backup to RING_DIR; without it no personal value "
                "of this store can be read"
            )
        _closed(folder)
        wrapping, lookup, ids, prints, service = (_read_key(folder, name) for name in _FILES)
        ring = Ring(folder, wrapping, lookup, ids, prints, service)
        ring.refresh()
        return ring

    def copy_to(self, folder: Path) -> "Ring":
        """A copy in a new folder, read back and found the same; raises RingFault where `folder`
        holds something already."""
        with _appearing(folder) as made:
            for name in (*(f"{key}.key" for key in _FILES), _DESTROYED):
                _write(made / name, (self.folder / name).read_bytes())
        copy = Ring.open(folder)
        if copy.identity != self.identity or copy.wrapping != self.wrapping:
            raise RingFault("the copy differs from the ring: the disk is not to be trusted")
        return copy

    def refresh(self) -> bool:
        """Read the list of destroyed keys again if it has grown; True if it had.

        Another process may have erased somebody: two numbers from `stat` tell, for a microsecond.
        """
        try:
            found = (self.folder / _DESTROYED).stat()
        except FileNotFoundError:
            raise RingFault(_LIST_MISSING) from None
        state = (found.st_size, found.st_mtime_ns)
        if state == self._list_state:
            return False
        _closed(self.folder / _DESTROYED)
        self._destroyed = frozenset(_listed((self.folder / _DESTROYED).read_bytes()))
        self._list_state = state
        return True

    def is_destroyed(self, key_id: bytes) -> bool:
        """True for a key that an erasure destroyed, whatever the database says."""
        return key_id in self._destroyed

    @property
    def destroyed(self) -> frozenset[bytes]:
        """The ids of all keys that erasures destroyed."""
        return self._destroyed

    def destroy(self, key_ids: Iterable[bytes]) -> None:
        """Put key ids on the list, for good, before the database forgets their bytes."""
        # Without O_CREAT: a list that went missing must not begin anew, with everybody readable.
        try:
            handle = os.open(self.folder / _DESTROYED, os.O_WRONLY | os.O_APPEND)
        except FileNotFoundError:
            raise RingFault(_LIST_MISSING) from None
        with os.fdopen(handle, "wb") as file:
            # A line begins with its own break: a crash may have left half a line before it.
            file.write(b"".join(b"\n" + key_id.hex().encode() for key_id in key_ids) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        self.refresh()


def _read_key(folder: Path, name: str) -> bytes:
    path = folder / f"{name}.key"
    try:
        _closed(path)
        key = path.read_bytes()
    except FileNotFoundError:
        raise RingFault(f"the ring has no {path.name}: restore its backup to RING_DIR") from None
    except PermissionError:
        raise RingFault(f"the ring's {path.name} belongs to another user: chown it") from None
    if len(key) != KEY_BYTES:
        raise RingFault(f"the ring's {path.name} is damaged: restore its backup to RING_DIR")
    return key


def _listed(content: bytes) -> Iterator[bytes]:
    """The key ids of the list. What a crash left of half a line names no key, and its erasure is
    run again; anything else is damage, behind which somebody may be readable again."""
    for line in content.split():
        if not _LINE.fullmatch(line):
            raise RingFault("the ring's list of destroyed keys is damaged: restore it")
        if len(line) == _LINE_LENGTH:
            yield bytes.fromhex(line.decode())


def _closed(path: Path) -> None:
    if path.stat().st_mode & _OPEN_TO_OTHERS:
        raise RingFault(f"the ring's {path.name} is open to other users: chmod go-rwx it")


def _write(path: Path, content: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def _appearing(folder: Path) -> Iterator[Path]:
    """A folder to fill, which takes its place as `folder` at once, or not at all."""
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        yield made
        _sync_folder(made)
        made.rename(folder)
    except OSError:
        raise RingFault(f"{folder} holds files already, or cannot be written") from None
    finally:
        shutil.rmtree(made, ignore_errors=True)
    _sync_folder(folder.parent)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
