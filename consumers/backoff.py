"""How long to wait after faults of the world, which are tried again for ever."""

from dataclasses import dataclass

BACKOFF_SECONDS_MIN = 0.05
BACKOFF_SECONDS_MAX = 2.0


@dataclass(slots=True)
class Backoff:
    """How long to wait after faults in a row: twice as long each time, up to a limit."""

    seconds_min: float = BACKOFF_SECONDS_MIN
    seconds_max: float = BACKOFF_SECONDS_MAX
    _next: float = 0

    def after_fault(self) -> float:
        """The seconds to wait now."""
        seconds = max(self._next, self.seconds_min)
        self._next = min(2 * seconds, self.seconds_max)
        return seconds

    def reset(self) -> None:
        """It went well."""
        self._next = 0
