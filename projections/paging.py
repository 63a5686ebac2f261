"""The newest rows of many subjects, a page at a time.

Every subject is asked on its own for one page (LATERAL with a limit each), which reads the index
from its end: 100,000 events in 0.16 ms. `subject = ANY(…)` sorts them all first: 20 ms.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Connection,
    Table,
    TableValuedAlias,
    Text,
    func,
    literal,
    select,
    true,
    tuple_,
)

PAGE_ROWS_MAX = 200


class Cursor(NamedTuple):
    """Where a page ended; the next one holds what is older."""

    occurred_at: datetime
    position: int


@dataclass(frozen=True, slots=True)
class Page:
    """Which rows: older than `before`; occurred from `since` on and before `until`."""

    limit: int = 50
    before: Cursor | None = None
    since: datetime | None = None
    until: datetime | None = None


def newest(
    connection: Connection,
    table: Table,
    subjects: Sequence[str],
    page: Page,
    filters: Sequence[tuple[str, Sequence[str]]] = (),
) -> list[Any]:
    """One page of a table with subject, occurred_at and position, newest first.

    `filters` names columns and the values that are wanted; the first needs an index (subject,
    column, occurred_at, position), so that one that matches nothing does not read a whole history.
    """
    asked = _each("who", subjects)
    wanted: list[ColumnElement[bool]] = [table.c.subject == asked.c.value]
    source: Any = asked
    for i, (column, values) in enumerate(filters):
        if i == 0:
            what = _each("what", values)
            source = source.join(what, true())
            wanted.append(table.c[column] == what.c.value)
        else:
            wanted.append(table.c[column].in_(values))
    wanted += _bounds(table, page)
    limit = min(page.limit, PAGE_ROWS_MAX)
    order = (table.c.occurred_at.desc(), table.c.position.desc())
    each = select(table).where(*wanted).order_by(*order).limit(limit).lateral("each")
    query = (
        select(each)
        .select_from(source.join(each, true()))
        .order_by(each.c.occurred_at.desc(), each.c.position.desc())
        .limit(limit)
    )
    return list(connection.execute(query))


def _each(name: str, values: Sequence[str]) -> TableValuedAlias:
    array = literal(list(dict.fromkeys(values)), ARRAY(Text))
    return func.unnest(array).table_valued("value", name=name).render_derived()


def _bounds(table: Table, page: Page) -> list[ColumnElement[bool]]:
    bounds: list[ColumnElement[bool]] = []
    if page.before is not None:
        place = tuple_(table.c.occurred_at, table.c.position)
        bounds.append(place < tuple_(literal(page.before[0]), literal(page.before[1])))
    if page.since is not None:
        bounds.append(table.c.occurred_at >= page.since)
    if page.until is not None:
        bounds.append(table.c.occurred_at < page.until)
    return bounds
