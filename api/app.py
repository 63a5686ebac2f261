"""The HTTP door: one app, built from parts, its routes in one list."""

from typing import Any

from fastapi import FastAPI

from api import contract, customers, events, operations, problems, purchases, sales, timeline
from api.guard import Guard
from api.parts import Parts

DESCRIPTION = """\
Every contact a customer has with a company is recorded once, as an event, and folded into views.

A write answers with a receipt; its `token` makes any read wait for that write (`at_least=`).
Refusals are problems (RFC 9457); what was sent is never repeated in an answer.
"""
PROBLEM: dict[str, Any] = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "example": "urn:backbone:problem:invalid"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "field": {"type": "string", "description": "the place in the input, where there is one"},
    },
}


def create_app(parts: Parts, version: str) -> FastAPI:
    """The app. It starts nothing: what it is built from is running already."""
    app = FastAPI(
        title="Customer-interaction backbone",
        version=version,
        description=DESCRIPTION,
        # The framework's own pages load their scripts from the internet.
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
    )
    app.add_middleware(Guard)
    problems.install(app)
    for routes in (events, customers, timeline, purchases, sales, operations):
        app.include_router(routes.router(parts))
    app.include_router(contract.router(app.openapi))
    described = app.openapi()
    described.setdefault("components", {}).setdefault("schemas", {})["Problem"] = PROBLEM
    return app
