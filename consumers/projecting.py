"""Keeps views up with the log: a projector for each generation that somebody reads or waits for.

One thread a view. A view that stops, or waits for a repair, does not hold up another one.
"""

import logging
import threading
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Engine

from consumers.backoff import Backoff
from consumers.feed import Feed
from consumers.health import Health, ProjectorHealth
from consumers.ownership import PartitionLocks
from consumers.runtime import STAND_STILL_SECONDS_MAX, Limits, Points, Projector
from consumers.sink import ViewSink
from consumers.store_feed import StoreFeed
from consumers.store_watch import StoreWatch
from projections import generations
from projections.checkpoints import OtherFold
from projections.connecting import transaction
from projections.generations import Generation, Retired
from projections.view import View
from projections.writer import Writer
from schemas.errors import BackboneError, NotFound
from store.history import History

GENERATIONS_POLL_SECONDS = 1.0
"""How often switches and new generations are looked for."""

log = logging.getLogger(__name__)

Feeds = Callable[[str, int], Feed]
"""Makes the feed for a view's generation."""


def projector_locks(
    engine: Engine, view: str, generation: int, partitions: Collection[int]
) -> PartitionLocks:
    """The locks by which processes share a generation's partitions, in the views database."""
    url = engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    return PartitionLocks(url, f"projector {view} g{generation}", partitions)


def store_feeds(
    history: History,
    watch: StoreWatch,
    engine: Engine,
    partitions: Collection[int] | None = None,
) -> Feeds:
    """Feeds straight from the store, of these partitions (None: all), shared by locks."""
    wanted = range(history.info.partitions) if partitions is None else partitions

    def feed(view: str, generation: int) -> Feed:
        return StoreFeed(history, watch, projector_locks(engine, view, generation, wanted))

    return feed


def projector(
    engine: Engine,
    view: View,
    generation: int,
    feed: Feed,
    *,
    limits: Limits | None = None,
    points: Points | None = None,
) -> Projector:
    """A projector of one generation, not yet started."""
    points = points or Points()
    writer = Writer(
        engine, view, generation, before_commit=points.before_commit, guarded=points.guarded
    )
    health = Health(view.name, generation)
    return Projector(feed, ViewSink(engine, writer), health, limits=limits, points=points)


@dataclass(frozen=True, slots=True)
class Log:
    """What a first generation is made for: the store's epoch and its partition count."""

    epoch: int
    partitions: int


class Projecting:
    """Runs the projectors of these views and follows their generations; `stop` drains them all."""

    def __init__(
        self,
        views: Sequence[View],
        engine: Engine,
        log_of: Log,
        feeds: Feeds,
        *,
        limits: Limits | None = None,
        points: Points | None = None,
    ) -> None:
        self._views = {view.name: view for view in views}
        self._engine = engine
        self._log_of = log_of
        self._feeds = feeds
        self._limits = limits
        self._points = points
        self._running: dict[tuple[str, int], Projector] = {}
        self._refused: dict[str, Health] = {view.name: Health(view.name, 0) for view in views}
        self._paused: set[str] = set()
        self._lock = threading.RLock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="projecting", daemon=True)

    def start(self) -> None:
        """Begin; returns at once. What cannot be reached yet is tried again until it can."""
        self._thread.start()

    def stop(self) -> None:
        """Finish the batches in hand, let go of all partitions, end."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(STAND_STILL_SECONDS_MAX)
        with self._lock:
            running = list(self._running.values())
        for one in running:
            one.ask_to_stop()
        for one in running:
            one.stop()

    def health(self) -> list[ProjectorHealth]:
        """Every projector at this moment; generation 0 stands for a view that has none here."""
        with self._lock:
            seen = {view for view, _ in self._running}
            none = [health for view, health in self._refused.items() if view not in seen]
            return [h.now() for h in (*(p.health for p in self._running.values()), *none)]

    def pause(self, view: str) -> None:
        """Let a view stand still in this process; returns when nothing of it is in hand.

        Raises NotFound for a view that is not projected here, Unavailable as `Projector.pause`.
        """
        for one in self._of(view):
            one.pause()

    def resume(self, view: str) -> None:
        """Let it go on."""
        with self._lock:
            self._paused.discard(view)
        for one in self._of(view, paused=False):
            one.resume()

    def _of(self, view: str, *, paused: bool = True) -> list[Projector]:
        if view not in self._views:
            raise NotFound(f"{view} is not projected by this process")
        with self._lock:
            if paused:
                self._paused.add(view)
            return [one for (name, _), one in self._running.items() if name == view]

    def _follow(self) -> None:
        backoff = Backoff()
        while not self._stopping.is_set():
            seconds = GENERATIONS_POLL_SECONDS
            try:
                self._look()
                backoff.reset()
            except BackboneError as fault:
                self._fault(fault.code)
                seconds = backoff.after_fault()
            except Exception as error:
                # The projectors run on; only switches go unnoticed until this succeeds again.
                log.error("generations cannot be followed: %s", type(error).__name__)
                self._fault("broken")
                seconds = backoff.after_fault()
            self._stopping.wait(seconds)

    def _fault(self, code: str) -> None:
        for health in self._refused.values():
            health.failed(code)

    def _look(self) -> None:
        with transaction(self._engine) as connection:
            known = generations.listed(connection)
        for view in self._views.values():
            mine = [one for one in known if one.view == view.name]
            if not any(one.state == "active" for one in mine):
                mine.append(self._first(view))
            self._keep(view, [one for one in mine if one.state in {"active", "ready"}])

    def _first(self, view: View) -> Generation:
        return generations.ensure(
            self._engine, view, partitions=self._log_of.partitions, epoch=self._log_of.epoch
        )

    def _keep(self, view: View, wanted: Iterable[Generation]) -> None:
        """Let exactly these generations of a view run."""
        keys = set()
        for one in wanted:
            if one.fold_version != view.version:
                self._refuse(view, one)
                continue
            key = one.view, one.generation
            keys.add(key)
            with self._lock:
                running = self._running.get(key)
                if running is None or running.health.now().reason == Retired.code:
                    running = self._begin(view, one.generation)  # or again: it was switched back
            running.health.building = one.state == "ready"
        gone = [key for key in self._running if key[0] == view.name and key not in keys]
        for key in gone:
            with self._lock:
                ended = self._running.pop(key)
            ended.stop()

    def _begin(self, view: View, generation: int) -> Projector:
        made = projector(
            self._engine,
            view,
            generation,
            self._feeds(view.name, generation),
            limits=self._limits,
            points=self._points,
        )
        self._running[view.name, generation] = made
        made.start(paused=view.name in self._paused)
        return made

    def _refuse(self, view: View, one: Generation) -> None:
        if one.state == "active":
            self._refused[view.name].stopped(
                OtherFold.code,
                f"{view.name} g{one.generation} was made with fold version {one.fold_version} and "
                f"this release has version {view.version}: run `backbone rebuild {view.name}`",
            )
