"""Revenue, from the roll-ups of purchases."""

from dataclasses import asdict
from datetime import date
from typing import Annotated, Any, cast, get_args

from fastapi import APIRouter, Depends, Query, Response

from api.access import allow
from api.answers import answer
from api.consistency import Wish, fresh_body, wish
from api.examples import REVENUE, shown
from api.parts import Parts
from api.problems import PROBLEMS
from domain.access import Principal
from projections.profile import PROFILE
from projections.revenue import Dimension, revenue
from schemas.errors import Invalid

Reads = Annotated[Principal, Depends(allow("sales:read"))]
Wanted = Annotated[Wish, Depends(wish)]

DIMENSIONS: tuple[Dimension, ...] = get_args(Dimension)


def router(parts: Parts) -> APIRouter:
    """The routes of sales."""
    routes = APIRouter(prefix="/v1/sales", tags=["sales"], responses=PROBLEMS)

    @routes.get(
        "/revenue",
        summary="Revenue by business day, channel or category",
        responses={200: shown("Sums per currency, and freshness", REVENUE)},
    )
    async def revenue_by(
        _principal: Reads,
        wanted: Wanted,
        by: Annotated[str, Query(description="day, channel, category; several by commas")] = "day",
        first: Annotated[date, Query(description="first business day")] = date.min,
        last: Annotated[date, Query(description="last business day")] = date.max,
        currency: Annotated[str | None, Query(pattern="^[A-Z]{3}$", description="ISO 4217")] = None,
    ) -> Response:
        dimensions = _dimensions(by)
        waited = await wanted.wait(parts, PROFILE)

        def read() -> Any:
            rows, snapshot = parts.reader.read(
                PROFILE,
                None,
                lambda connection, g: revenue(connection, g, dimensions, first, last, currency),
            )
            return [_row(asdict(row)) for row in rows], parts.reader.freshness(snapshot)

        data, freshness = await parts.lanes.reports.run(read)
        return answer(fresh_body(data, freshness, waited))

    return routes


def _dimensions(by: str) -> list[Dimension]:
    names = by.split(",") if by else []
    if any(name not in DIMENSIONS for name in names):
        raise Invalid(f"is one or more of {', '.join(DIMENSIONS)}, by commas", field="by")
    return [cast(Dimension, name) for name in names]


def _row(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if value is not None}
