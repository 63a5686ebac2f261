"""Events in, one or many; and one event back."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any
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
from schemas.envelope import Event, Reported
from schemas.errors import (
    BackboneError,
    ContentConflict,
    Invalid,
    NotFound,
    Refused,
    TooLarge,
    UnsupportedMedia,
)

Writer = Annotated[Principal, Depends(allow("events:write"))]
Reads = Annotated[Principal, Depends(allow("events:read"))]


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
        items: Annotated[str, Query(description="`all` lists accepted items too")] = "refused",
    ) -> Response:
        content = await read_body(request, parts.limits.batch_bytes_max)
        if "ce-specversion" in request.headers:
            reported = from_binary(request.headers, content)
        else:
            events = _read(media_type(request), content)
            if isinstance(events, list):
                return await _batch(parts, principal, events, listed=items == "all")
            reported = from_json(events)
        return await _one(parts, principal, reported)

    @routes.get(
        "/{event_id}",
        summary="One recorded event, its values open",
        responses={200: shown("The event as a CloudEvent", EVENT)},
    )
    async def read_event(event_id: UUID, principal: Reads) -> Response:
        return await asyncio.to_thread(_event, parts, principal, event_id)

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
        return await asyncio.to_thread(_event, parts, principal, event_id)

    return routes


def _read(kind: str, content: bytes) -> Any:
    """One event, or a list of events each still to be read."""
    if kind == NDJSON:
        return [_line(line) for line in content.splitlines() if line.strip()]
    if kind == BATCH:
        return from_batch(content)
    if kind in (STRUCTURED, JSON):
        return parsed(content)
    raise UnsupportedMedia(f"send {STRUCTURED}, {BATCH} or {NDJSON}, or a binary CloudEvent")


def _line(line: bytes) -> Any:
    # A line that is no JSON is refused with its index, like any other bad item.
    try:
        return parsed(line)
    except BackboneError:
        return None


async def _one(parts: Parts, principal: Principal, reported: Reported) -> Response:
    try:
        receipt = await asyncio.wrap_future(parts.touchpoints.report(principal, reported))
    except Refused as refusal:
        parts.metrics.count("conflict" if isinstance(refusal, ContentConflict) else "rejected")
        raise
    parts.metrics.count("duplicate" if receipt.duplicate else "accepted")
    return receipt_answer(receipt)


async def _batch(
    parts: Parts, principal: Principal, events: Sequence[Any], *, listed: bool
) -> Response:
    if len(events) > parts.limits.batch_events_max:
        raise TooLarge(f"a batch has at most {parts.limits.batch_events_max} events")
    result = await asyncio.to_thread(parts.touchpoints.report_batch, principal, events)
    for outcome in OUTCOMES:
        parts.metrics.count(outcome, result.count(outcome))
    return answer(_batch_body(result, listed=listed))


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
    opened, masked = parts.glass.opened(principal, [event.subject], event.data)
    out = to_json(event._replace(data=opened))
    return answer(out | ({"masked": masked} if masked else {}))


def _shown(parts: Parts, event: Event) -> bool:
    """Events of an erased subject are not told here; an audit shows them without values."""
    return event.subject.startswith("@") or parts.subjects.standing(event.subject) == "living"
