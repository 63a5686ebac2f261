"""Lists a page at a time: what a caller asks for, and the opaque cursor of the next page."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Protocol

from fastapi import Depends, Query

from projections.paging import PAGE_ROWS_MAX, Cursor, Page
from schemas.cloudevents import moment
from schemas.errors import Invalid

_PLACE = re.compile(r"(\S+) (\d{1,18})", re.ASCII)


class Placed(Protocol):
    """A row that pages are made of."""

    @property
    def occurred_at(self) -> datetime: ...
    @property
    def position(self) -> int: ...


def page_asked(
    since: Annotated[str | None, Query(description="occurred from, RFC 3339")] = None,
    until: Annotated[str | None, Query(description="occurred before, RFC 3339")] = None,
    cursor: Annotated[str | None, Query(description="as the last page gave it")] = None,
    limit: Annotated[int, Query(ge=1, le=PAGE_ROWS_MAX)] = 50,
) -> Page:
    """The page that a request asks for; raises Invalid."""
    return Page(
        limit=limit,
        before=_cursor(cursor) if cursor else None,
        since=moment(since, "since") if since else None,
        until=moment(until, "until") if until else None,
    )


Asked = Annotated[Page, Depends(page_asked)]


def next_cursor(rows: Sequence[Placed], page: Page) -> str | None:
    """The cursor behind a full page; None behind the last one."""
    if len(rows) < page.limit:
        return None
    place = f"{rows[-1].occurred_at.isoformat()} {rows[-1].position}"
    return urlsafe_b64encode(place.encode()).rstrip(b"=").decode()


def _cursor(text: str) -> Cursor:
    try:
        place = urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode("ascii")
    except (NotBase64, ValueError):
        place = ""
    found = _PLACE.fullmatch(place)
    if found is None:
        raise Invalid("is a cursor as the last page gave it", field="cursor")
    return Cursor(moment(found[1], "cursor"), int(found[2]))
