"""A view computed anew: a new generation filled from the log, compared, and switched to.

Whole partitions are folded in memory and copied once. One that was interrupted keeps its finished
partitions and goes on with the next one.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Engine

from consumers.catching_up import caught_up
from consumers.databases import asking
from consumers.levelling import hold_level
from consumers.ownership import PartitionLocks
from consumers.projecting import projector, projector_locks
from consumers.runtime import Projector
from consumers.store_feed import StoreFeed
from consumers.store_watch import StoreWatch
from projections import checkpoints, comparing, generations, loading
from projections.comparing import Difference
from projections.connecting import transaction
from projections.generations import Generation
from projections.view import View
from schemas.envelope import Event
from schemas.errors import Unavailable
from store.history import History

READ_EVENTS_MAX = 5_000
"""How many events are read from the log at once."""

Progress = Callable[[int, int], None]
"""Told (events done, events in all), after every few thousand."""

Decide = Callable[[Sequence[Difference] | None], bool]
"""Given how the new generation differs (None: it could not be compared), whether to switch."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What a rebuild did. `differences` is None where there was no older generation to compare
    with, or it stands still behind the new one because this release does not know its fold."""

    view: str
    generation: int
    before: int | None
    events: int
    seconds: float
    resumed: bool
    differences: tuple[Difference, ...] | None
    switched: bool


def ignore(_done: int, _total: int) -> None:
    """Progress that nobody watches."""


def always(_differences: Sequence[Difference] | None) -> bool:
    """Switch, whatever differs."""
    return True


class Rebuild:
    """One rebuild of one view. `after_partition` is a place to crash in tests."""

    def __init__(
        self,
        view: View,
        engine: Engine,
        history: History,
        watch: StoreWatch,
        *,
        after_partition: Callable[[int], None] = lambda _partition: None,
    ) -> None:
        self._view = view
        self._engine = engine
        self._history = history
        self._watch = watch
        self._after_partition = after_partition
        self._done = 0

    def run(self, progress: Progress = ignore, decide: Decide = always) -> Rebuilt:
        """Fill a new generation, or the one that an interrupted rebuild left; compare; switch.

        May be interrupted at any moment (Ctrl-C): run it again, or drop the generation. The new
        one is projected on while it is compared and switched to; after that it needs a process that
        projects the view. Raises Unavailable where a database does not answer, another process
        rebuilds the same generation, or the switch finds no moment; OtherEpoch, Gap and Broken for
        what a person must look at.
        """
        began = time.monotonic()
        target, resumed = self._generation()
        with self._locked(target.generation) as locks:
            if target.state == "building":
                self._load(target.generation, progress, locks)
                loading.finish(self._engine, self._view, target.generation)
            before = self._active()
            feed = StoreFeed(self._history, self._watch, locks)
            running = projector(self._engine, self._view, target.generation, feed)
            with caught_up(self._engine, self._history, running):
                differences = self._compare(before, target.generation, running)
                switched = decide(differences)
                if switched:
                    generations.switch(self._engine, self._view, target.generation)
        return Rebuilt(
            view=self._view.name,
            generation=target.generation,
            before=before,
            events=self._done,
            seconds=time.monotonic() - began,
            resumed=resumed,
            differences=differences,
            switched=switched,
        )

    def _generation(self) -> tuple[Generation, bool]:
        """The generation to fill: one that was left unfinished, or a new one."""
        info = self._history.info
        with transaction(self._engine) as connection:
            for known in reversed(generations.listed(connection, self._view.name)):
                fits = known.state == "building" and known.fold_version == self._view.version
                stands = checkpoints.read(connection, self._view.name, known.generation)
                if fits and {c.epoch for c in stands.values()} == {info.epoch}:
                    return known, True
        made = generations.create(
            self._engine, self._view, partitions=info.partitions, epoch=info.epoch, bulk=True
        )
        return made, False

    @contextmanager
    def _locked(self, generation: int) -> Iterator[PartitionLocks]:
        partitions = range(self._history.info.partitions)
        locks = projector_locks(self._engine, self._view.name, generation, partitions)
        try:
            if locks.owned() != frozenset(partitions):
                raise Unavailable("another process is filling this generation")
            yield locks
        finally:
            locks.close()

    def _active(self) -> int | None:
        with transaction(self._engine) as connection:
            return generations.active(connection, self._view.name)

    def _load(self, generation: int, progress: Progress, locks: PartitionLocks) -> None:
        with transaction(self._engine) as connection:
            stands = checkpoints.read(connection, self._view.name, generation)
        heads = {p: sequence for p, (sequence, _) in self._history.heads().items()}
        total = sum(heads.values())
        self._done = sum(known.sequence for known in stands.values())
        progress(self._done, total)
        for partition in sorted(heads):
            if not heads[partition] or stands[partition].sequence:
                continue
            events = self._events(partition, heads[partition], total, progress)
            loading.load(self._engine, self._view, generation, partition, events)
            self._after_partition(partition)
            locks.doubt()
            if len(locks.owned()) < len(heads):
                raise Unavailable("the connection that held this generation's locks was lost")
        if self._watch.epoch() != self._history.info.epoch:
            raise Unavailable("the store was restored meanwhile: start again")

    def _events(self, partition: int, head: int, total: int, progress: Progress) -> Iterator[Event]:
        """A partition's events up to the head seen at the start; the projector takes the rest."""
        sequence = 0
        while sequence < head:
            with asking("store"):
                events = self._history.after(
                    {partition: sequence}, min(READ_EVENTS_MAX, head - sequence)
                )
            yield from events
            sequence = events[-1].sequence
            self._done += len(events)
            progress(self._done, max(total, self._done))

    def _compare(
        self, before: int | None, new: int, running: Projector
    ) -> tuple[Difference, ...] | None:
        if before is None:
            return None
        with hold_level(self._engine, self._view, before, new, self._history, running) as level:
            if not level:
                return None
            return tuple(comparing.diff(self._engine, self._view, before, new))
