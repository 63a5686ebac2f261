"""What events do to a view: rows before, rows after, totals.

One object serves the batch of a running projector, the repair of a subject, the rebuild of whole
partitions (nothing before) and a customer's history as of some moment.
"""

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from pathlib import PurePath
from types import TracebackType
from typing import Any, Generic

from projections.view import ERASED, Key, Kind, Measures, R, Rollup, Unfoldable, View
from schemas.envelope import Event
from schemas.errors import Broken

Before = Mapping[Kind[Any], Iterable[Any]]


class Rows(Generic[R]):
    """One kind's rows: as they were, and as they are now."""

    __slots__ = ("_of_subject", "after", "before", "kind")

    def __init__(self, kind: Kind[R], before: Iterable[R] = ()) -> None:
        self.kind = kind
        key = kind.key_of()
        self.before: dict[Key, R] = {key(row): row for row in before}
        self.after: dict[Key, R | None] = dict(self.before)
        self._of_subject: dict[str, list[Key]] | None = None

    def put(self, key: Key, row: R | None) -> None:
        """Let `row` stand under `key`; None leaves no row there."""
        if row is None and key not in self.after:
            return
        if self._of_subject is not None and key not in self.after:
            self._of_subject.setdefault(key[0], []).append(key)
        self.after[key] = row

    def of(self, subject: str) -> list[tuple[Key, R]]:
        """The rows that a subject has now, with their keys."""
        if self._of_subject is None:
            # Only erasures and repairs ask; most changes never pay for it.
            self._of_subject = {}
            for known in self.after:
                self._of_subject.setdefault(known[0], []).append(known)
        keys = self._of_subject.get(subject, ())
        return [(key, row) for key in keys if (row := self.after[key]) is not None]

    def made(self) -> Iterator[R]:
        """Rows whose key had no row before."""
        if not self.before:
            return (row for row in self.after.values() if row is not None)
        return (
            row for key, row in self.after.items() if row is not None and key not in self.before
        )

    def altered(self) -> Iterator[R]:
        """Rows that stand where another row stood before."""
        for key, old in self.before.items():
            row = self.after[key]
            if row is not None and row is not old:
                yield row

    def gone(self) -> Iterator[Key]:
        """Keys that had a row and have none now."""
        return (key for key in self.before if self.after[key] is None)

    def totals(self, rollup: Rollup[R]) -> list[tuple[Any, ...]]:
        """What the roll-up gains: (partition, dimensions …, rows, measures …), nothing for 0."""
        sums: dict[int, _Sums] = {}
        counts = rollup.counts
        before = self.before
        for key, row in self.after.items():
            old = before.get(key) if before else None  # nothing is hashed in a rebuild
            if row is old:
                continue
            if row is not None:
                _add(sums.setdefault(row.partition, {}), counts(row))
            if old is not None:
                _subtract(sums.setdefault(old.partition, {}), counts(old))
        return [
            (partition, *dimensions, *measures)
            for partition, of_partition in sums.items()
            for dimensions, measures in of_partition.items()
            if any(measures)
        ]


_Sums = dict[tuple[Any, ...], list[int | Decimal]]
"""Dimensions -> rows and measures, within one partition."""


def _add(sums: _Sums, counts: Mapping[tuple[Any, ...], Measures]) -> None:
    for dimensions, measures in counts.items():
        known = sums.get(dimensions)
        if known is None:
            sums[dimensions] = [1, *measures]
            continue
        known[0] += 1
        for i, measure in enumerate(measures, 1):
            if measure:  # most discounts are 0, and this is the hot loop of a rebuild
                known[i] += measure


def _subtract(sums: _Sums, counts: Mapping[tuple[Any, ...], Measures]) -> None:
    for dimensions, measures in counts.items():
        known = sums.setdefault(dimensions, [0] * (len(measures) + 1))
        known[0] -= 1
        for i, measure in enumerate(measures, 1):
            known[i] -= measure


class Change:
    """The rows of all kinds of one view while events are applied to them.

    `before` holds, per kind, every row that the events can touch: the rows under their keys, and
    for a subject that is erased all its rows.
    """

    def __init__(self, view: View, before: Before | None = None) -> None:
        self.kinds = tuple(Rows(kind, (before or {}).get(kind, ())) for kind in view.kinds)

    def apply(self, event: Event) -> None:
        """Apply one event to every kind, or to none.

        An erasure replaces each row of its subject by what `erase` leaves, then is folded like any
        other event. Raises Unfoldable where a fold fails; then the event has changed nothing.
        """
        try:
            new = self._erased(event) if event.type == ERASED else self._folded(event)
        except MemoryError:
            raise  # a fault of the machine: the same event may well be folded later
        except Exception as error:
            raise Unfoldable(event, _cause(error)) from None
        for rows, key, row in new:
            rows.put(key, row)

    def forget(self, subject: str) -> None:
        """Take away every row of a subject: to fold it anew, or where it cannot even be erased."""
        for rows in self.kinds:
            for key, _ in rows.of(subject):
                rows.put(key, None)

    def _folded(self, event: Event) -> list[tuple[Rows[Any], Key, Any]]:
        subject = event.subject
        new = []
        for rows in self.kinds:
            kind = rows.kind
            for key in kind.keys(event):
                if key[0] != subject:
                    # Another subject's row may live in a partition that another process owns.
                    raise Broken("an event touches its own subject's rows only")
                new.append((rows, key, kind.fold(rows.after.get(key), event)))
        return new

    def _erased(self, event: Event) -> list[tuple[Rows[Any], Key, Any]]:
        new: list[tuple[Rows[Any], Key, Any]] = []
        for rows in self.kinds:
            kind = rows.kind
            left = {key: kind.erase(row) for key, row in rows.of(event.subject)}
            for key in kind.keys(event):
                left[key] = kind.fold(left.get(key), event)
            new.extend((rows, key, row) for key, row in left.items())
        return new


def _cause(error: Exception) -> str:
    """`KeyError at profile.py:88`: enough to find the fault, and nothing of the event in it."""
    last: TracebackType | None = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    if last is None:
        return type(error).__name__
    file = PurePath(last.tb_frame.f_code.co_filename).name
    return f"{type(error).__name__} at {file}:{last.tb_lineno}"
