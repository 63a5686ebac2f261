"""Threads for what blocks: a lane for each kind of work, so that none keeps another one waiting.

A batch runs for seconds, a write waits for the disk, a report reads a year: with one pool for all
of them, a few batches would stop every read. (The loop's own default pool is left to health,
metrics and the look at checkpoints.)
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from schemas.errors import Unavailable

T = TypeVar("T")


class Lane:
    """So many threads, and so much that may wait for one; the threads end with the lane."""

    def __init__(self, name: str, threads: int, waiting_max: int) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._inside = 0
        self._inside_max = threads + waiting_max

    async def run(self, call: Callable[..., T], *arguments: object) -> T:
        """What `call(*arguments)` gives, run in a thread; raises Unavailable when the lane is full.

        Only the waiting is cancelled with the caller: what has begun is carried through.
        """
        if self._inside >= self._inside_max:
            raise Unavailable("too much is asked at once: try again in a second")
        self._inside += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, call, *arguments)
        finally:
            self._inside -= 1


class Lanes:
    """The lanes of one app. Reads and reports together stay below the views' ten connections, of
    which projectors need some."""

    def __init__(self) -> None:
        self.reads = Lane("read", 4, 1_000)
        self.reports = Lane("report", 2, 50)
        self.writes = Lane("write", 8, 1_000)
        # Each holds a body of up to 16 MiB.
        self.batches = Lane("batch", 2, 8)
