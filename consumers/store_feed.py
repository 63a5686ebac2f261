"""The store feed: the log itself, read by sequence, one index range for each partition."""

import threading
import time
from collections.abc import Mapping

from consumers.databases import asking
from consumers.feed import Batch, Mark, Reader
from consumers.ownership import Ownership
from consumers.store_watch import StoreWatch
from schemas.envelope import Event
from schemas.errors import OtherEpoch, Unavailable
from store.history import History

POLL_SECONDS_MIN = 0.05
POLL_SECONDS_MAX = 1.0
"""Between two looks at a quiet log, where no notification comes; doubled from MIN to MAX."""

EPOCH_SECONDS = 1.0
"""How often a quiet feed asks whether the store was restored; one that reads asks every time."""


class StoreFeed:
    """Feeds the events of the partitions that `ownership` grants. Nothing runs before `start`."""

    def __init__(self, history: History, watch: StoreWatch, ownership: Ownership) -> None:
        self._history = history
        self._watch = watch
        self._ownership = ownership
        self._reader: Reader | None = None
        self._sequences: dict[int, int] = {}
        self._epoch: int | None = None
        self._epoch_asked_at = float("-inf")
        self._interval = POLL_SECONDS_MIN
        self._moved = threading.Event()
        self._woken = False

    def start(self, reader: Reader) -> None:
        """Whom to tell of partitions."""
        self._reader = reader
        self._watch.subscribe(self._moved)

    def poll(self, limit: int, seconds: float) -> Batch:
        """Up to `limit` events, waiting up to `seconds` for the first."""
        until = time.monotonic() + seconds
        while True:
            self._moved.clear()  # before the look: what comes after it sets it again
            self._share()
            events, caught_up = self._read(limit)
            self._same_epoch(sure=bool(events))
            left = until - time.monotonic()
            if events:
                self._interval = POLL_SECONDS_MIN
            if events or left <= 0 or self._woken:
                self._woken = False
                self._remember(events)
                return Batch(events, caught_up=caught_up)
            if self._moved.wait(min(left, self._interval)):
                self._interval = POLL_SECONDS_MIN
            else:
                self._interval = min(2 * self._interval, POLL_SECONDS_MAX)

    def seek(self, marks: Mapping[int, Mark]) -> None:
        """Go on from these marks. Raises OtherEpoch where they are not of this store's epoch."""
        self._go_on({p: mark for p, mark in marks.items() if p in self._sequences})

    def doubt(self) -> None:
        """Ask for the locks before the next read."""
        self._ownership.doubt()

    def wake(self) -> None:
        """Let a waiting poll return."""
        self._woken = True
        self._moved.set()

    def close(self) -> None:
        """Let go of all partitions."""
        self._watch.unsubscribe(self._moved)
        self._let_go(set(self._sequences))
        self._ownership.close()

    def _share(self) -> None:
        """Tell the reader which partitions came and went."""
        try:
            owned = self._ownership.owned()
        except Unavailable:
            self._let_go(set(self._sequences))
            raise
        self._let_go(self._sequences.keys() - owned)
        if come := owned - self._sequences.keys():
            assert self._reader is not None, "start comes before poll"
            self._go_on(self._reader.assigned(come))

    def _let_go(self, partitions: set[int]) -> None:
        if partitions and self._reader is not None:
            self._reader.revoked(partitions)
        for partition in partitions:
            del self._sequences[partition]

    def _read(self, limit: int) -> tuple[list[Event], bool]:
        """Up to `limit` events: first an equal share each, then the rest to those that have more.

        So one long partition does not come in crumbs, and a poll stays bounded.
        """
        if not self._sequences:
            return [], False
        share = max(1, limit // len(self._sequences))
        with asking("store"):
            events = self._history.after(self._sequences, share)
            if len(events) > limit:  # fewer than one each
                return events[:limit], False
            more = _full(events, self._sequences, share)
            left = limit - len(events)
            if not more or left < share * len(more):
                return events, not more
            share = left // len(more)
            further = self._history.after(more, share)
        return events + further, not _full(further, more, share)

    def _remember(self, events: list[Event]) -> None:
        for event in events:
            self._sequences[event.partition] = event.sequence

    def _same_epoch(self, *, sure: bool) -> None:
        """Asked after a read: if the epoch is still the same, what was read is of that epoch.

        A restored store hands out the same sequences again, for other events.
        """
        now = time.monotonic()
        if self._epoch is not None and (sure or now - self._epoch_asked_at >= EPOCH_SECONDS):
            epoch = self._watch.epoch()
            self._epoch_asked_at = now
            if epoch != self._epoch:
                raise OtherEpoch("the store was restored: its events differ from the view's")

    def _go_on(self, marks: Mapping[int, Mark]) -> None:
        """Read behind these marks, if they are of this store and not ahead of it."""
        if not marks:
            return
        with asking("store"):
            heads = self._history.heads()
        self._epoch = self._watch.epoch()
        for partition, mark in marks.items():
            if mark.epoch != self._epoch:
                raise OtherEpoch("the view was filled from another epoch of the store: rebuild it")
            if mark.sequence > heads[partition][0]:
                # A backup was put back, and nobody said so yet.
                raise OtherEpoch("the view is ahead of the store: run `backbone store restored`")
        self._sequences |= {partition: mark.sequence for partition, mark in marks.items()}


def _full(events: list[Event], asked: Mapping[int, int], share: int) -> dict[int, int]:
    """Of the partitions asked for those that gave their full share, with their last sequence."""
    last = dict(asked)
    for event in events:
        last[event.partition] = event.sequence
    return {p: last[p] for p, before in asked.items() if last[p] - before >= share}
