"""A customer's timeline: every event, newest first, a page at a time."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response
from pydantic import StringConstraints

from api.access import allow
from api.answers import answer
from api.consistency import Wish, fresh_body, wish
from api.examples import TIMELINE as EXAMPLE
from api.examples import shown
from api.pages import Asked, next_cursor
from api.parts import Parts
from api.problems import PROBLEMS
from api.references import Finder, read_ref
from domain.access import Principal
from projections.paging import Page
from projections.timeline import TIMELINE, Entry, entries

Reads = Annotated[Principal, Depends(allow("customers:read"))]
Wanted = Annotated[Wish, Depends(wish)]
Names = Annotated[
    list[Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00]*$")]] | None,
    Query(max_length=50, description="only these; may be given several times"),
]


def router(parts: Parts) -> APIRouter:
    """The route of the timeline."""
    routes = APIRouter(prefix="/v1/customers", tags=["customers"], responses=PROBLEMS)
    finder = Finder(parts.subjects, parts.lanes.reads)

    @routes.get(
        "/{ref}/timeline",
        summary="Every event of the customer, newest first",
        responses={200: shown("A page, the next page's cursor, freshness", EXAMPLE)},
    )
    async def timeline(
        ref: str,
        principal: Reads,
        wanted: Wanted,
        page: Asked,
        kind: Names = None,
        channel: Names = None,
    ) -> Response:
        subject = await finder.subject(read_ref(ref, parts.region))
        waited = await wanted.wait(parts, TIMELINE, subject)
        data, cursor, freshness = await parts.lanes.reads.run(
            _page, parts, principal, [subject], page, kind or [], channel or []
        )
        return answer(fresh_body(data, freshness, waited) | {"cursor": cursor})

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
    return opened, next_cursor(rows, page), parts.reader.freshness(snapshot)


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
