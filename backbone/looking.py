"""One look at everything from outside, for `backbone status`."""

import threading
import time
from dataclasses import dataclass, replace

from backbone.reading_side import ReadingSide
from consumers.lag import ViewLag, faults, measure
from projections.registry import VIEWS

SAMPLE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen: the store's events, every generation's lag, and what stands still."""

    events: int
    epoch: int
    lags: list[ViewLag]
    faults: dict[str, str]


def look(side: ReadingSide) -> Look:
    """Measure once; where something is behind, again after a second, for its rate."""
    lags = measure(side.views, side.history, VIEWS)
    if any(lag.lag_events for lag in lags):
        before, began = lags, time.monotonic()
        threading.Event().wait(SAMPLE_SECONDS)
        lags = measure(side.views, side.history, VIEWS)
        lags = _with_rates(before, lags, time.monotonic() - began)
    events = sum(sequence for sequence, _ in side.history.heads().values())
    return Look(events, side.history.info.epoch, lags, faults(lags, VIEWS))


def _with_rates(before: list[ViewLag], after: list[ViewLag], seconds: float) -> list[ViewLag]:
    known = {(lag.view, lag.generation): lag.events for lag in before}
    rated = []
    for lag in after:
        rate = max(0, lag.events - known.get((lag.view, lag.generation), lag.events)) / seconds
        eta = lag.lag_events / rate if rate and lag.lag_events else None
        rated.append(replace(lag, events_per_second=rate or None, eta_seconds=eta))
    return rated
