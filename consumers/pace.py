"""How many events a round takes: more when behind, so long as a round stays short.

A row that several events of a batch touch is read and written once, so 16,000 events at a time
take half as long as four times 4,000. But on a slow machine, or with large events, a round must
not last so long that it looks stuck.
"""

BATCH_EVENTS_MIN = 500
BATCH_EVENTS_FIRST = 4_000

ROUND_SECONDS_WANTED = 0.5
"""A switch, a stop and a pause wait for the round in hand."""


class Pace:
    """`events` is what the next batch may have; doubled after a quick full batch up to
    `events_max`, halved after a slow one."""

    def __init__(self, events_max: int) -> None:
        self._max = events_max
        self._first = min(BATCH_EVENTS_FIRST, events_max)
        self.events = self._first

    def took(self, events: int, seconds: float) -> None:
        """A round took over so many events in so many seconds."""
        if events < self.events // 2:
            self.events = self._first  # not behind
        elif seconds < ROUND_SECONDS_WANTED / 2:
            self.events = min(2 * self.events, self._max)
        elif seconds > ROUND_SECONDS_WANTED * 2:
            self.events = max(self.events // 2, min(BATCH_EVENTS_MIN, self._max))

    def failed(self) -> None:
        """A round came to nothing: perhaps it was too large."""
        self.events = self._first
