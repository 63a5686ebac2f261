"""Events in, one or many; and one event back."""

import asyncio
import re
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from functools import partial
from io import BytesIO
from itertools import islice
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from api.access import allow
from api.answers import answer, receipt_answer
from api.bodies import JSON, media_type, read_body, read_object
from api.examples import BATCH_ANSWER, BATCH_SENT, EVENT, LOOKUP, RECEIPT, SENT, body, shown
from api.parts import Parts
from api.problems import PROBLEMS
from commands.touchpoints import OUTCOMES, BatchResult, Item
from domain.access import Principal
from schemas.canonical import parsed
from schemas.cloudevents import (
    BATCH,
    NDJSON,
    STRUCTURED,
    from_batch,
    from_binary,
    from_json,
    to_json,
)
from schemas.envelope import Event
from schemas.errors import (
    BackboneError,
    ContentConflict,
    Invalid,
    NotFound,
    Refused,
    TooLarge,
    UnsupportedMedia,
)
from schemas.receipts import Receipt

Writer = Annotated[Principal, Depends(allow("events:write"))]
Reads = Annotated[Principal, Depends(allow("events:read"))]

LONG_BYTES = 64 * 1024
"""A longer event is read in a thread: meanwhile nobody else would be answered."""
_BINARY = "ce-specversion"
_ARRAY = re.compile(rb"\s*\[")


def router(parts: Parts) -> APIRouter:
    """The routes of events."""
    routes = APIRouter(prefix="/v1/events", tags=["events"], responses=PROBLEMS)

    @routes.post(
        "",
        summary="Report one touchpoint, or many",
        status_code=201,
        openapi_extra=body({STRUCTURED: SENT, BATCH: BATCH_SENT, NDJSON: SENT}),
        responses={201: shown("Recorded", RECEIPT), 200: shown("Known, or a batch", BATCH_ANSWER)},
    )
    async def report(
        request: Request,
        principal: Writer,
        items: Annotated[
            Literal["refused", "all"], Query(description="`all` lists accepted items too")
        ] = "refused",
    ) -> Response:
        content = await read_body(request, parts.limits.batch_bytes_max)
        kind = media_type(request.headers)
        if kind in (BATCH, NDJSON) or (kind in (STRUCTURED, JSON) and _ARRAY.match(content)):
            return await parts.lanes.batches.run(
                partial(_many, parts, principal, kind, content, listed=items == "all")
            )
        submit = partial(_submit, parts, principal, request.headers, content)
        return await _one(parts, submit, long=len(content) > LONG_BYTES)

    @routes.get(
        "/{event_id}",
        summary="One recorded event, its values open",
        responses={200: shown("The event as a CloudEvent", EVENT)},
    )
    async def read_event(event_id: UUID, principal: Reads) -> Response:
        return await parts.lanes.reads.run(_event, parts, principal, event_id)

    @routes.post(
        "/lookup",
        summary="One recorded event, by what its channel calls it",
        openapi_extra=body({JSON: LOOKUP}),
        responses={200: shown("The event as a CloudEvent", EVENT)},
    )
    async def look_up(request: Request, principal: Reads) -> Response:
        asked = await read_object(request, parts.limits.batch_bytes_max)
        source, channel_id = asked.get("source"), asked.get("id")
        if not isinstance(source, str) or not isinstance(channel_id, str):
            raise Invalid("takes {source, id}, two texts", field="source")
        event_id = parts.ids.event_id(source, channel_id)
        return await parts.lanes.reads.run(_event, parts, principal, event_id)

    return routes


def _submit(
    parts: Parts, principal: Principal, headers: Mapping[str, str], content: bytes
) -> "Future[Receipt]":
    """Read one event, structured or binary, and hand it to the appender."""
    kind = media_type(headers)
    if kind == STRUCTURED or (kind == JSON and _BINARY not in headers):
        reported = from_json(parsed(content))
    elif kind in (JSON, "") and _BINARY in headers:
        reported = from_binary(headers, content)
    else:
        raise UnsupportedMedia(f"send {STRUCTURED}, {BATCH} or {NDJSON}, or a binary CloudEvent")
    return parts.touchpoints.report(principal, reported)


async def _one(parts: Parts, submit: Callable[[], "Future[Receipt]"], *, long: bool) -> Response:
    try:
        submitted = await parts.lanes.batches.run(submit) if long else submit()
        receipt = await asyncio.wrap_future(submitted)
    except Refused as refusal:
        parts.metrics.count("conflict" if isinstance(refusal, ContentConflict) else "rejected")
        raise
    parts.metrics.count("duplicate" if receipt.duplicate else "accepted")
    return receipt_answer(receipt)


def _many(
    parts: Parts, principal: Principal, kind: str, content: bytes, *, listed: bool
) -> Response:
    events_max = parts.limits.batch_events_max
    events = _lines(content, events_max) if kind == NDJSON else from_batch(content)
    if len(events) > events_max:
        raise TooLarge(f"a batch has at most {events_max} events: send it in parts")
    result = parts.touchpoints.report_batch(principal, events)
    for outcome in OUTCOMES:
        parts.metrics.count(outcome, result.count(outcome))
    return answer(_batch_body(result, listed=listed))


def _lines(content: bytes, events_max: int) -> list[Any]:
    """The events of NDJSON, each still to be read; one more than `events_max` at most."""
    lines = (line for line in BytesIO(content) if not line.isspace())
    return [_line(line) for line in islice(lines, events_max + 1)]


def _line(line: bytes) -> Any:
    # A line that is no JSON is refused with its index, like any other bad item.
    try:
        return parsed(line)
    except BackboneError:
        return None


def _batch_body(result: BatchResult, *, listed: bool) -> dict[str, Any]:
    shown_items = [i for i in result.items if listed or i.outcome != "accepted" or i.erased]
    return {
        **{outcome: result.count(outcome) for outcome in OUTCOMES},
        "token": result.token.text() if result.token else None,
        "items": [_item_body(item) for item in shown_items],
    }


def _item_body(item: Item) -> dict[str, Any]:
    out = {"index": item.index, "outcome": item.outcome, "code": item.code}
    out |= {"field": item.field, "reason": item.reason, "erased": item.erased or None}
    return {name: value for name, value in out.items() if value is not None}


def _event(parts: Parts, principal: Principal, event_id: UUID) -> Response:
    event = parts.history.event(event_id)
    if event is None or not _shown(parts, event):
        raise NotFound("no such event", field="event_id")
    (shown_event,) = parts.glass.opened_each(principal, [([event.subject], to_json(event))])
    return answer(shown_event)


def _shown(parts: Parts, event: Event) -> bool:
    """Events of an erased subject are not told here; an audit shows them without values."""
    return event.subject.startswith("@") or parts.subjects.standing(event.subject) == "living"
