"""What an importer yields: rows of the user's files, as an event or as damage."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol


class Row(NamedTuple):
    """One row as it stood in the file; `number` counts from 1 and leaves a header out."""

    number: int
    values: tuple[Any, ...]
    fault: str | None = None
    """What is wrong with the row as a whole, such as a cell too many."""


class Fault(NamedTuple):
    """Why a row cannot be taken. The reason never repeats the value: it may be somebody's."""

    row: int
    field: str | None
    """None where the row as a whole is at fault."""
    reason: str


class Importable(NamedTuple):
    """One event, as a structured CloudEvent, and the rows that it was made of.

    Where the event's data has lines, row `i` is the origin of line `i`.
    """

    event: dict[str, Any]
    rows: tuple[Row, ...]


class Damaged(NamedTuple):
    """Rows that make no event. All the rows of the event stand in `rows`, the sound ones too.

    Taken without its damaged row, the event would be another event under the same id, and the
    mended one a conflict for ever.
    """

    file: str
    faults: tuple[Fault, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the rows come from, and so where the rejected ones go."""

    file: Path
    columns: tuple[str, ...]
    installed: bool
    """The file belongs to an installed package, whose folder is not ours to write in."""


class Source(Protocol):
    """A data set that is ready to be imported."""

    @property
    def things(self) -> str:
        """What it counts, in the plural: baskets."""

    @property
    def total(self) -> int:
        """How many items it will yield."""

    @property
    def origin(self) -> Origin:
        """The file that the rows come from."""

    def __iter__(self) -> Iterator[Importable | Damaged]: ...


def row_of(rows: Sequence[Row], field: str | None) -> int:
    """The number of the row that a field of an event's data came from: `data.lines.3.net`."""
    match (field or "").split("."):
        case ["data", "lines", line, *_] if line.isdecimal() and int(line) < len(rows):
            return rows[int(line)].number
    return rows[0].number
