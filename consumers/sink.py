"""Where a projector's events go: one generation of a view, its rows and its checkpoints."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from sqlalchemy import Engine

from projections import checkpoints
from projections.checkpoints import Checkpoint
from projections.connecting import transaction
from projections.writer import Writer
from schemas.envelope import Event
from schemas.errors import Broken


class Dropped(Broken):
    """The generation is gone: there is nothing to write to any more."""

    code = "dropped"


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
        with transaction(self._engine) as connection:
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
        return self._writer.apply(batch, expected, hints)
