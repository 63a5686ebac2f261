"""A customer's purchases: newest first, a page at a time. They hold no personal value."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response

from api.access import allow
from api.answers import answer
from api.consistency import Wish, fresh_body, wish
from api.examples import PURCHASES as EXAMPLE
from api.examples import shown
from api.pages import Asked, next_cursor
from api.parts import Parts
from api.problems import PROBLEMS
from api.references import Finder, read_ref
from domain.access import Principal
from projections.paging import Page
from projections.profile import PROFILE
from projections.purchases import Purchase, newest_purchases

Reads = Annotated[Principal, Depends(allow("customers:read"))]
Wanted = Annotated[Wish, Depends(wish)]


def router(parts: Parts) -> APIRouter:
    """The route of purchases."""
    routes = APIRouter(prefix="/v1/customers", tags=["customers"], responses=PROBLEMS)
    finder = Finder(parts.subjects, parts.lanes.reads)

    @routes.get(
        "/{ref}/purchases",
        summary="The customer's purchases with their lines, newest first",
        responses={200: shown("A page, the next page's cursor, freshness", EXAMPLE)},
    )
    async def purchases(ref: str, _principal: Reads, wanted: Wanted, page: Asked) -> Response:
        subject = await finder.subject(read_ref(ref, parts.region))
        waited = await wanted.wait(parts, PROFILE, subject)
        data, cursor, freshness = await parts.lanes.reads.run(_page, parts, [subject], page)
        return answer(fresh_body(data, freshness, waited) | {"cursor": cursor})

    return routes


def _page(parts: Parts, subjects: list[str], page: Page) -> Any:
    rows, snapshot = parts.reader.read(
        PROFILE, subjects, lambda connection, g: newest_purchases(connection, g, subjects, page)
    )
    return [_body(row) for row in rows], next_cursor(rows, page), parts.reader.freshness(snapshot)


def _body(row: Purchase) -> dict[str, Any]:
    """A purchase on the wire: its place in the log and in the view is nobody's business here."""
    return {n: value for n, value in row._asdict().items() if n not in {"partition", "position"}}
