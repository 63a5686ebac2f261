"""For those who keep it running: alive, ready, measured."""

import asyncio

from fastapi import APIRouter, Depends, Response

from api.access import anybody
from api.answers import answer
from api.examples import shown
from api.parts import Parts

METRICS = "text/plain; version=0.0.4; charset=utf-8"


def router(parts: Parts) -> APIRouter:
    """The routes of operations, outside `/v1`."""
    routes = APIRouter(tags=["operations"], dependencies=[Depends(anybody)])

    @routes.get(
        "/live",
        summary="The process answers",
        responses={200: shown("It does", {"live": True})},
    )
    async def live() -> Response:
        return answer({"live": True})

    @routes.get(
        "/ready",
        summary="Everything moves that should",
        responses={
            200: shown("All is well", {"ready": True, "faults": {}}),
            503: shown(
                "Something stands still", {"ready": False, "faults": {"profile": "stands still"}}
            ),
        },
    )
    async def ready() -> Response:
        faults = await asyncio.to_thread(parts.health)
        return answer({"ready": not faults, "faults": dict(faults)}, 503 if faults else 200)

    @routes.get(
        "/metrics",
        summary="Numbers for Prometheus",
        response_class=Response,
        responses={200: {"content": {"text/plain": {"example": "backbone_store_events 4711\n"}}}},
    )
    async def metrics() -> Response:
        return Response(await asyncio.to_thread(parts.metrics.render), media_type=METRICS)

    return routes
