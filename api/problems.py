"""Refusals on HTTP: RFC 9457 problem details, and the one table of status numbers.

An answer never repeats the input, an exception's text or a statement.
"""

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from schemas.errors import BackboneError

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = 1

STATUS: Mapping[str, int] = {
    "malformed": 400,
    "unauthorised": 401,
    "forbidden": 403,
    "not-found": 404,
    "method-not-allowed": 405,
    "content-conflict": 409,
    "rule-refused": 409,
    "other-epoch": 409,
    "stale-version": 412,
    "too-large": 413,
    "unsupported-media": 415,
    "invalid": 422,
    "unknown-type": 422,
    "rate-limited": 429,
    "broken": 500,
    "unavailable": 503,
}
_WAITING_HELPS = {429, 503}

log = logging.getLogger(__name__)


def problem(
    code: str, detail: str, *, field: str | None = None, more: Mapping[str, Any] | None = None
) -> Response:
    """The answer for a refusal."""
    status = STATUS.get(code, STATUS["broken"])
    body: dict[str, Any] = {
        "type": f"urn:backbone:problem:{code}",
        "title": code.replace("-", " "),
        "status": status,
        "detail": detail,
    }
    if field is not None:
        body["field"] = field
    headers = {"Retry-After": str(RETRY_AFTER_SECONDS)} if status in _WAITING_HELPS else None
    return Response(
        orjson.dumps({**body, **(more or {})}), status, headers=headers, media_type=MEDIA_TYPE
    )


def install(app: FastAPI) -> None:
    """Answer every refusal of `app` as a problem."""

    @app.exception_handler(BackboneError)
    async def _refused(_request: Request, error: BackboneError) -> Response:
        if STATUS.get(error.code, STATUS["broken"]) < HTTPStatus.INTERNAL_SERVER_ERROR:
            return problem(error.code, error.reason, field=error.field, more=error.numbers)
        # Which statement failed is for those who keep it running.
        numbers = {name: value for name, value in error.numbers.items() if value is not None}
        log.error("a request failed: %s %s", error.code, numbers or "")
        return problem(error.code, error.reason, field=error.field)

    @app.exception_handler(RequestValidationError)
    async def _invalid(_request: Request, error: RequestValidationError) -> Response:
        # The library's own body repeats the input.
        place = [str(part) for part in error.errors()[0]["loc"][1:]]
        return problem("invalid", "is not what this route takes", field=".".join(place) or None)

    @app.exception_handler(HTTPException)
    async def _http(_request: Request, error: HTTPException) -> Response:
        """What the framework itself refuses."""
        if error.status_code == HTTPStatus.NOT_FOUND:
            return problem("not-found", "there is no such address")
        if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            refusal = problem("method-not-allowed", "this address takes another method: see Allow")
            refusal.headers.update(error.headers or {})
            return refusal
        return problem("malformed", "the request cannot be read")


PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {
        "description": ", ".join(code for code, number in STATUS.items() if number == status),
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    for status in (400, 404, 409, 412, 413, 415, 422, 503)
}
"""For OpenAPI: the refusals that routes may answer with."""
