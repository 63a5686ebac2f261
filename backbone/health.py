"""What health and metrics say of the whole program, asked with connections of their own."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Engine

from api.metrics import Numbers, ViewNumbers
from backbone.databases import Databases
from backbone.wiring import Store, pool_for
from consumers.lag import measure, readiness
from consumers.projecting import Projecting
from consumers.relay import Relay
from projections.connecting import views_engine
from projections.registry import VIEWS
from store.history import History

CONNECTIONS_MAX = 2
WAIT_SECONDS = 2.0
"""Who asks for health gives up after a few seconds. The other connections wait longer for a
database, and under load there may be none free for a while."""


@dataclass(frozen=True, slots=True)
class Look:
    """The program as it is at the moment of asking."""

    store: Store
    projecting: Projecting
    history: History
    views: Engine
    relay: Relay | None = None

    def faults(self) -> dict[str, str]:
        """What keeps it from being ready, part by part; empty when all is well."""
        alive = self.store.appender.alive
        faults = {} if alive else {"appender": "its thread ended: start it again"}
        if self.relay is not None and (relay := self.relay.health.now()).state == "stopped":
            faults["relay"] = relay.advice or "it stopped"
        return faults | readiness(self.views, self.history, VIEWS, self.projecting.health())

    def numbers(self) -> Numbers:
        """What is measured; raises Unavailable where a database does not answer."""
        lags = measure(self.views, self.history, VIEWS, self.projecting.health())
        heads = self.history.heads().values()
        return Numbers(
            store_events=sum(sequence for sequence, _ in heads),
            append_queue=self.store.appender.queued,
            views=tuple(
                ViewNumbers(
                    lag.view,
                    lag.generation,
                    lag.events,
                    lag.lag_events,
                    lag.lag_seconds,
                    lag.held_subjects,
                )
                for lag in lags
            ),
        )


@contextmanager
def looking(
    at: Databases, store: Store, projecting: Projecting, relay: Relay | None
) -> Iterator[Look]:
    """Connections to look with, for as long as the program runs."""
    views = views_engine(at.views, connections_max=CONNECTIONS_MAX, wait_seconds=WAIT_SECONDS)
    try:
        with pool_for(at.store, CONNECTIONS_MAX, WAIT_SECONDS) as pool:
            history = History(pool, store.info, store.registry)
            yield Look(store, projecting, history, views, relay)
    finally:
        views.dispose()
