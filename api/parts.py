"""What the routes are built from; the program's wiring fills it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from api.lanes import Lanes
from api.metrics import Metrics
from api.opening import Glass
from api.reading import ViewReader
from api.waiting import Waiting
from commands.dispatcher import Dispatcher
from commands.touchpoints import Touchpoints
from schemas.registry import Registry
from store.history import History
from store.ids import Ids
from store.subjects import Subjects


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request may ask for."""

    batch_events_max: int = 10_000
    batch_bytes_max: int = 16 * 1024 * 1024
    wait_seconds_max: float = 10.0


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything behind the HTTP door."""

    registry: Registry
    ids: Ids
    subjects: Subjects
    history: History
    touchpoints: Touchpoints
    dispatcher: Dispatcher
    glass: Glass
    reader: ViewReader
    waiting: Waiting
    region: str
    limits: Limits
    health: Callable[[], Mapping[str, str]]
    """What stands still or is gone: name -> why, empty when all is well."""
    metrics: Metrics
    lanes: Lanes = field(default_factory=Lanes)
