"""A customer's timeline: every event, newest first, a page at a time."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response
from pydantic import StringConstraints

from api.access import allow
from api.answers import answer
from api.consistency import Wish, fresh_body, wish
from api.examples import TIMELINE as EXAMPLE
from api.examples import shown
from api.parts import Parts
from api.problems import PROBLEMS
from api.references import Finder, read_ref
from domain.access import Principal
from projections.paging import PAGE_ROWS_MAX, Cursor, Page
from projections.timeline import TIMELINE, Entry, entries
from schemas.cloudevents import moment
from schemas.errors import Invalid

Reads = Annotated[Principal, Depends(allow("customers:read"))]
Wanted = Annotated[Wish, Depends(wish)]
Names = Annotated[
    list[Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00]*$")]] | None,
    Query(max_length=50, description="only these; may be given several times"),
]

_PLACE = re.compile(r"(\S+) (\d{1,18})", re.ASCII)


def router(parts: Parts) -> APIRouter:
    """The route of the timeline."""
    routes = APIRouter(prefix="/v1/customers", tags=["customers"], responses=PROBLEMS)
    finder = Finder(parts.subjects, parts.lanes.reads)

    @routes.get(
        "/{ref}/timeline",
        summary="Every event of the customer, newest first",
        responses={200: shown("A page, the next page's cursor, freshness", EXAMPLE)},
    )
    async def timeline(  # noqa: PLR0913, PLR0917  a filter each
        ref: str,
        principal: Reads,
        wanted: Wanted,
        kind: Names = None,
        channel: Names = None,
        since: Annotated[str | None, Query(description="occurred from, RFC 3339")] = None,
        until: Annotated[str | None, Query(description="occurred before, RFC 3339")] = None,
        cursor: Annotated[str | None, Query(description="as the last page gave it")] = None,
        limit: Annotated[int, Query(ge=1, le=PAGE_ROWS_MAX)] = 50,
    ) -> Response:
        page = Page(
            limit=limit,
            before=_cursor(cursor) if cursor else None,
            since=moment(since, "since") if since else None,
            until=moment(until, "until") if until else None,
        )
        subject = await finder.subject(read_ref(ref, parts.region))
        waited = await wanted.wait(parts, TIMELINE, subject)
        data, cursor_next, freshness = await parts.lanes.reads.run(
            _page, parts, principal, [subject], page, kind or [], channel or []
        )
        return answer(fresh_body(data, freshness, waited) | {"cursor": cursor_next})

    return routes


def _page(
    parts: Parts,
    principal: Principal,
    subjects: list[str],
    page: Page,
    types: list[str],
    channels: list[str],
) -> Any:
    rows, snapshot = parts.reader.read(
        TIMELINE,
        subjects,
        lambda connection, g: entries(
            connection, g, subjects, page, types=types, channels=channels
        ),
    )
    opened = parts.glass.opened_each(principal, [([row.subject], _entry(row)) for row in rows])
    more = _text(rows[-1]) if len(rows) == page.limit else None
    return opened, more, parts.reader.freshness(snapshot)


def _entry(entry: Entry) -> dict[str, Any]:
    return {
        "event_id": str(entry.event_id),
        "subject": entry.subject,
        "position": entry.position,
        "type": entry.type,
        "version": entry.version,
        "channel": entry.channel,
        "occurred_at": entry.occurred_at,
        "precision": entry.precision,
        "basis": entry.basis,
        "business_day": entry.business_day,
        "recorded_at": entry.recorded_at,
        "source": entry.source,
        "actor": entry.actor,
        "traffic": entry.traffic,
        "data": entry.data,
    }


def _text(entry: Entry) -> str:
    place = f"{entry.occurred_at.isoformat()} {entry.position}"
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
