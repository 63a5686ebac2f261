"""The log and the views, opened without a key: for projectors, rebuilds, repairs and status."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Engine

from backbone.databases import databases
from backbone.migrating import migrated
from backbone.settings import Settings
from backbone.wiring import open_history
from consumers.projecting import Log
from consumers.store_watch import StoreWatch
from projections.connecting import views_engine
from projections.registry import VIEWS
from projections.view import View
from schemas.errors import NotFound
from store.history import History


@dataclass(frozen=True, slots=True)
class ReadingSide:
    """What moves events and what looks at them; sealed values stay sealed."""

    history: History
    views: Engine
    watch: StoreWatch

    @property
    def log(self) -> Log:
        """What a view's first generation is made for."""
        return Log(self.history.info.epoch, self.history.info.partitions)


@contextmanager
def reading_side(settings: Settings) -> Iterator[ReadingSide]:
    """Open both databases; raises NotFound, Unavailable and Broken where they are not there, cannot
    be reached, or belong to another release."""
    with (
        databases(settings) as at,
        open_history(at.store) as history,
        open_views(at.views) as views,
    ):
        watch = StoreWatch(at.store)
        watch.start()
        try:
            yield ReadingSide(history, views, watch)
        finally:
            watch.stop()


@contextmanager
def open_views(url: str) -> Iterator[Engine]:
    """The views database, brought up to this release; raises as `migrated` does."""
    with migrated(url, "projections"):
        pass
    engine = views_engine(url)
    try:
        yield engine
    finally:
        engine.dispose()


def view_named(name: str) -> View:
    """The view of that name; raises NotFound with the names there are."""
    for view in VIEWS:
        if view.name == name:
            return view
    names = ", ".join(view.name for view in VIEWS)
    raise NotFound(f"there is no such view; there are {names}", field="VIEW")
