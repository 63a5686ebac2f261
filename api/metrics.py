"""Numbers for Prometheus: what came in, what waits, how far each view is behind.

No label ever holds anything of a customer: outcomes, views, generations and states only.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector


@dataclass(frozen=True, slots=True)
class ViewNumbers:
    """One generation of a view, measured."""

    view: str
    generation: int
    events: int
    lag_events: int
    lag_seconds: float
    held_subjects: int


@dataclass(frozen=True, slots=True)
class Numbers:
    """What is measured anew at every scrape."""

    store_events: int
    append_queue: int
    views: tuple[ViewNumbers, ...]


class Metrics:
    """Counts outcomes as they happen, and measures the rest when it is asked."""

    def __init__(self, measure: Callable[[], Numbers]) -> None:
        self._registry = CollectorRegistry()
        self._outcomes = Counter(
            "backbone_reported",
            "Events that channels reported, by outcome",
            ["outcome"],
            registry=self._registry,
        )
        for outcome in ("accepted", "duplicate", "conflict", "rejected"):
            self._outcomes.labels(outcome)
        self._registry.register(_Measured(measure))

    def count(self, outcome: str, events: int = 1) -> None:
        """So many events had this outcome."""
        self._outcomes.labels(outcome).inc(events)

    def render(self) -> bytes:
        """The text that Prometheus scrapes."""
        return generate_latest(self._registry)


class _Measured(Collector):
    def __init__(self, measure: Callable[[], Numbers]) -> None:
        self._measure = measure

    def describe(self) -> Iterable[Metric]:
        # Without this the registry would measure, and connect, when the collector is registered.
        return []

    def collect(self) -> Iterator[Metric]:
        numbers = self._measure()
        yield _gauge("backbone_store_events", "Events in the store", numbers.store_events)
        yield _gauge("backbone_append_queue", "Requests waiting to write", numbers.append_queue)
        for field, text in _OF_VIEWS.items():
            name = f"backbone_view_{field}"
            family = GaugeMetricFamily(name, text, labels=["view", "generation"])
            for view in numbers.views:
                labels = [view.view, str(view.generation)]
                family.add_metric(labels, float(getattr(view, field)))
            yield family


_OF_VIEWS = {
    "events": "Events that the view has taken over",
    "lag_events": "Events that the view has still to take over",
    "lag_seconds": "Age of the oldest event still to be taken over, in seconds",
    "held_subjects": "Subjects that wait for a repair",
}


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, text, value=value)
