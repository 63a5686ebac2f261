"""What a view is: kinds of row, how events change them, and what each row counts for in totals.

Every row belongs to one subject, so to one partition, and its key begins with the subject. A fold
needs its row and the event, nothing else: partitions never wait for each other, and the same fold
serves the running view, a rebuild, a repair and "as of".
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from operator import itemgetter
from typing import Any, Generic, Protocol, TypeVar

from sqlalchemy import Table

from schemas.envelope import Event
from schemas.errors import Broken
from schemas.people import SubjectErased

ERASED = SubjectErased.TYPE

Key = tuple[Any, ...]
"""A row's primary key; the first member is its subject."""

Measures = Sequence[int | Decimal]


class Row(Protocol):
    """What every kind of row has. Each is a NamedTuple with the columns of its table, in order: a
    rebuild makes hundreds of thousands a second, and COPY takes them as they are."""

    @property
    def subject(self) -> str: ...
    @property
    def partition(self) -> int: ...


R = TypeVar("R", bound=Row)


@dataclass(frozen=True, slots=True, eq=False)
class Rollup(Generic[R]):
    """Totals over all subjects. Nothing is ever folded into them: they are what the rows count for.

    `counts` says what one row counts for: dimensions -> measures. `table` has the columns
    partition, dimensions …, rows, measures …; its key is the partition and the dimensions, because
    two writers that own different partitions must never meet in one row.
    """

    table: Table
    counts: Callable[[R], Mapping[tuple[Any, ...], Measures]]

    @property
    def measures(self) -> tuple[str, ...]:
        """The names of the columns that add up, `rows` first."""
        return tuple(column.name for column in self.table.columns if not column.primary_key)

    def __post_init__(self) -> None:
        keys = [column.name for column in self.table.primary_key]
        names = [column.name for column in self.table.columns]
        if keys[0] != "partition" or names[: len(keys)] != keys or self.measures[0] != "rows":
            raise Broken(f"{self.table.name} is not keyed by partition and dimensions, then rows")


@dataclass(frozen=True, slots=True, eq=False)
class Kind(Generic[R]):
    """One kind of row of a view.

    `keys` yields the keys that an event touches, each once, each beginning with the event's
    subject. `fold` makes the row that the event leaves behind (None: no row), and `erase` what may
    stay of a row when its subject is erased; both return the same object where nothing changes.
    `once` says that no two events touch the same key, so that no row need be read to fold.
    """

    table: Table
    row: type[R]
    keys: Callable[[Event], Iterable[Key]]
    fold: Callable[[R | None, Event], R | None]
    erase: Callable[[R], R | None]
    rollups: tuple[Rollup[R], ...] = ()
    once: bool = False

    def __post_init__(self) -> None:
        columns = [column.name for column in self.table.columns]
        if list(names_of(self.row)) != columns:
            raise Broken(f"the columns of {self.table.name} are not its row's fields in order")
        if self.key_columns[0] != "subject" or "partition" not in columns:
            raise Broken(f"{self.table.name} is not keyed by subject, or has no partition")

    @property
    def key_columns(self) -> tuple[str, ...]:
        """The names of the primary key's columns, in order."""
        return tuple(column.name for column in self.table.primary_key)

    def key_of(self) -> Callable[[R], Key]:
        """A function from a row to its key."""
        places = [names_of(self.row).index(name) for name in self.key_columns]
        get: Callable[[Any], Any] = itemgetter(*places)
        if len(places) > 1:
            return get
        return lambda row: (get(row),)


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """A fold and the tables it fills. `version` counts the folds that give other rows."""

    name: str
    version: int
    kinds: tuple[Kind[Any], ...]


def names_of(row: type[Row]) -> tuple[str, ...]:
    """The names of a kind of row's fields, in order; none where it is no NamedTuple."""
    return getattr(row, "_fields", ())


def maker_of(row: type[R]) -> Callable[[Iterable[Any]], R]:
    """A function that makes a row of its values, in order."""
    make: Callable[[Iterable[Any]], R] = getattr(row, "_make")  # noqa: B009  no protocol has it
    return make


def changer(row: type[R]) -> Callable[[R, Mapping[str, Any]], R]:
    """A function that is `_replace` for one kind of row, in half its time: a fold makes a row for
    every event."""
    places = {name: place for place, name in enumerate(names_of(row))}
    make = maker_of(row)

    def changed(known: Any, new: Mapping[str, Any]) -> R:
        values = list(known)
        for name, value in new.items():
            values[places[name]] = value
        return make(values)

    return changed


class Unfoldable(Broken):
    """A fold failed on one event; only that event's subject is concerned.

    `cause` names the exception's class and the line that raised it, never its text, which may hold
    somebody's name.
    """

    def __init__(self, event: Event, cause: str) -> None:
        super().__init__("an event could not be applied to a view")
        self.event_id = event.event_id
        self.subject = event.subject
        self.cause = cause
