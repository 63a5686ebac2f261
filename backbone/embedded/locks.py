"""Locks on files, let go by the kernel when their last holder dies, however it dies.

`flock` and not `lockf`: its lock belongs to the open file. So two uses in one process do not undo
each other, and a child that inherits the file goes on holding the lock.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from backbone.embedded.server import EmbeddedError

_POLL_SECONDS = 0.02


class FileLock:
    """An open file that can be locked, by many (shared) or by one (exclusive)."""

    def __init__(self, path: Path) -> None:
        self.fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)

    def take_shared(self) -> bool:
        """Whether the lock is now held beside others; never waits."""
        return self._take(fcntl.LOCK_SH)

    def take_exclusive(self) -> bool:
        """Whether the lock is now held alone; never waits. A shared lock is given up for it."""
        return self._take(fcntl.LOCK_EX)

    def _take(self, kind: int) -> bool:
        try:
            fcntl.flock(self.fd, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def release(self) -> None:
        """Unlock for every holder of this open file, children included."""
        fcntl.flock(self.fd, fcntl.LOCK_UN)

    def __enter__(self) -> "FileLock":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # Closed, not released: a child that inherited the file keeps the lock.
        os.close(self.fd)


@contextmanager
def alone(path: Path, *, seconds_max: float) -> Iterator[None]:
    """Hold the lock exclusively, waiting for it at most `seconds_max` seconds."""
    deadline = time.monotonic() + seconds_max
    with FileLock(path) as lock:
        while not lock.take_exclusive():
            if time.monotonic() > deadline:
                raise EmbeddedError(
                    f"Another process has been starting or stopping the PostgreSQL of "
                    f"{path.parent} for {seconds_max:.0f} seconds; try again when it is done."
                )
            time.sleep(_POLL_SECONDS)
        try:
            yield
        finally:
            lock.release()
