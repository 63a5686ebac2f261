"""Where a projector's events go: one generation of a view, its rows and its checkpoints."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from sqlalchemy import Connection, Engine, text

from consumers.databases import free_connection
from projections import checkpoints
from projections.checkpoints import Checkpoint
from projections.connecting import transaction
from projections.writer import Writer
from schemas.envelope import Event
from schemas.errors import Broken

_STATE = text("SELECT state FROM generations WHERE view = :view AND generation = :generation")


class Dropped(Broken):
    """The generation is gone: there is nothing to write to any more."""

    code = "dropped"


class Retired(Broken):
    """Readers left this generation: it stands still, so that nobody who comes late goes back."""

    code = "retired"


class ServingWriter(Writer):
    """A writer that stops at the moment in which readers are sent to another generation.

    A switch makes sure that the new generation is not behind the old one. If the old one moved on
    after that, a reader who still holds the old pointer would see it pass the new one, and go back
    in time when he follows.
    """

    def _claim(self, connection: Connection, expected: Sequence[Checkpoint]) -> None:
        super()._claim(connection, expected)
        # A statement of its own: its snapshot is from after the wait for the checkpoints, which a
        # switch holds to its end.
        state = connection.scalar(_STATE, {"view": self.view.name, "generation": self.generation})
        if state == "retired":
            raise Retired("readers read another generation: this one stands still")


class Sink(Protocol):
    """What events are folded into, and where its checkpoints are."""

    def read(self) -> dict[int, Checkpoint]:
        """Every partition's checkpoint, as committed; raises Unavailable, and Dropped where there
        is none."""

    def apply(
        self,
        batch: Sequence[Event],
        expected: Mapping[int, Checkpoint],
        hints: Mapping[int, str] | None = None,
    ) -> dict[int, Checkpoint]:
        """As `Writer.apply`."""


class ViewSink:
    """One generation of a view."""

    def __init__(self, engine: Engine, writer: Writer) -> None:
        self._engine = engine
        self._writer = writer

    def read(self) -> dict[int, Checkpoint]:
        """The checkpoints as they are committed."""
        with free_connection(), transaction(self._engine) as connection:
            found = checkpoints.read(connection, self._writer.view.name, self._writer.generation)
        if not found:
            raise Dropped("this generation was dropped: the view has another one")
        return found

    def apply(
        self,
        batch: Sequence[Event],
        expected: Mapping[int, Checkpoint],
        hints: Mapping[int, str] | None = None,
    ) -> dict[int, Checkpoint]:
        """Rows, totals and checkpoints, in one transaction."""
        with free_connection():
            return self._writer.apply(batch, expected, hints)
