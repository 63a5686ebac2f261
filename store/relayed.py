"""The relay's row in the store: up to where a topic surely holds the log. Holds no keys."""

from dataclasses import dataclass
from datetime import datetime

from store.reaching import Pool, reach

_READ = "SELECT epoch, position, saved_at FROM relayed WHERE topic = %s"

# A relay that slept may save late what it committed early: the bound never goes back by itself.
_SAVE = """
    INSERT INTO relayed (topic, epoch, position) VALUES (%(topic)s, %(epoch)s, %(position)s)
    ON CONFLICT (topic) DO UPDATE
    SET epoch = excluded.epoch, position = excluded.position, saved_at = excluded.saved_at
    WHERE relayed.epoch <> excluded.epoch OR relayed.position < excluded.position OR %(lower)s
"""


@dataclass(frozen=True, slots=True)
class Saved:
    """What the row says."""

    epoch: int
    position: int
    saved_at: datetime


class Relayed:
    """Reads and writes the row of one topic; safe to share between threads."""

    def __init__(self, pool: Pool, topic: str) -> None:
        self._pool = pool
        self._topic = topic

    def read(self) -> Saved | None:
        """The row, or None before anything was relayed; raises Unavailable."""
        with reach(self._pool) as connection:
            row = connection.execute(_READ, [self._topic]).fetchone()
        return Saved(*row) if row else None

    def save(self, epoch: int, position: int, *, lower: bool = False) -> None:
        """Everything up to `position` is on the topic. `lower` takes it back: a person decided to
        go on from less."""
        values = {"topic": self._topic, "epoch": epoch, "position": position, "lower": lower}
        with reach(self._pool) as connection:
            connection.execute(_SAVE, values)
