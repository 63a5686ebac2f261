"""Customers: who somebody is and what he did in sum, and his registration."""

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Request, Response

from api.access import allow
from api.bodies import JSON, read_object
from api.consistency import Wish, wish
from api.examples import CUSTOMER, IDENTIFIER, RECEIPT, REGISTRATION, body, shown
from api.parts import Parts
from api.problems import PROBLEMS
from api.profiles import Profiles
from api.references import read_ref
from api.registering import register_customer
from domain.access import Principal
from schemas.errors import Invalid
from schemas.identifiers import parse_identifier

Writer = Annotated[Principal, Depends(allow("customers:write"))]
Reads = Annotated[Principal, Depends(allow("customers:read"))]
Wanted = Annotated[Wish, Depends(wish)]


def router(parts: Parts) -> APIRouter:
    """The routes of customers."""
    routes = APIRouter(prefix="/v1/customers", tags=["customers"], responses=PROBLEMS)
    profiles = Profiles(parts)

    @routes.get(
        "/{ref}",
        summary="The customer's profile",
        responses={200: shown("Profile and freshness", CUSTOMER)},
    )
    async def profile(ref: str, principal: Reads, wanted: Wanted) -> Response:
        return await profiles.answer(principal, read_ref(ref, parts.region), wanted)

    @routes.post(
        "/lookup",
        summary="The customer's profile, by phone, e-mail or any other identifier",
        openapi_extra=body({JSON: IDENTIFIER}),
        responses={200: shown("Profile and freshness", CUSTOMER)},
    )
    async def look_up(request: Request, principal: Reads, wanted: Wanted) -> Response:
        asked = await read_object(request, parts.limits.batch_bytes_max)
        text = asked.get("identifier")
        if not isinstance(text, str):
            raise Invalid("takes {identifier: 'kind:value'}", field="identifier")
        who = parse_identifier(text, parts.region, field="identifier")
        return await profiles.answer(principal, who, wanted)

    @routes.post(
        "/{ref}/register",
        summary="State who a customer is",
        status_code=201,
        openapi_extra=body({JSON: REGISTRATION}),
        responses={201: shown("Recorded", RECEIPT), 200: shown("Recorded before", RECEIPT)},
    )
    async def register(
        ref: str,
        request: Request,
        principal: Writer,
        idempotency_key: Annotated[str | None, Header(max_length=200)] = None,
        if_match: Annotated[str | None, Header(description='the version, as in ETag: "3"')] = None,
    ) -> Response:
        who = read_ref(ref, parts.region)
        sent = await read_object(request, parts.limits.batch_bytes_max)
        return await parts.lanes.writes.run(
            register_customer, parts, principal, who, sent, idempotency_key, if_match
        )

    return routes
