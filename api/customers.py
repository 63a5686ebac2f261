"""Customers: who somebody is, what happened with him, and his registration."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Request, Response
from pydantic import ValidationError

from api.access import allow
from api.answers import answer, receipt_answer
from api.bodies import JSON, read_object
from api.consistency import Wish, fresh_body, wish
from api.examples import CUSTOMER, IDENTIFIER, RECEIPT, REGISTRATION, body, shown
from api.gather import Gatherer
from api.parts import Parts
from api.problems import PROBLEMS
from api.reading import Freshness
from api.references import Finder, read_ref
from commands.customers import RegisterCustomer
from commands.dispatcher import Envelope
from domain.access import Principal
from projections.customers import Customer, customers
from projections.profile import PROFILE
from schemas.cloudevents import moment
from schemas.envelope import When
from schemas.errors import Invalid, NotFound
from schemas.identifiers import Identifier, parse_identifier
from schemas.people import CustomerRegistered
from schemas.references import Door
from schemas.registry import refusal

Writer = Annotated[Principal, Depends(allow("customers:write"))]
Reads = Annotated[Principal, Depends(allow("customers:read"))]
Wanted = Annotated[Wish, Depends(wish)]

SOURCE = "api"
Found = tuple[Customer | None, Freshness]


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
        subject = await profiles.finder.subject(read_ref(ref, parts.region))
        return await profiles.answer(principal, subject, wanted)

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
        return await profiles.answer(principal, await profiles.finder.subject(who), wanted)

    @routes.post(
        "/{ref}/register",
        summary="State who a customer is",
        status_code=201,
        openapi_extra=body({JSON: REGISTRATION}),
        responses={201: shown("Recorded", RECEIPT)},
    )
    async def register(
        ref: str,
        request: Request,
        principal: Writer,
        idempotency_key: Annotated[str | None, Header(max_length=200)] = None,
        if_match: Annotated[str | None, Header(description="the stream's version")] = None,
    ) -> Response:
        who = read_ref(ref, parts.region)
        sent = await read_object(request, parts.limits.batch_bytes_max)
        envelope = _envelope(who, ref, sent, idempotency_key, if_match)
        return await asyncio.to_thread(_register, parts, principal, envelope, sent)

    return routes


class Profiles:
    """Profiles for many requests at once."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self.finder = Finder(parts.subjects)
        self._gathered: Gatherer[str, Found] = Gatherer(self._fetch)

    async def answer(self, principal: Principal, subject: str, wanted: Wish) -> Response:
        """The answer for one subject; raises NotFound while the view has no row of him."""
        parts = self._parts
        waited = await wanted.wait(parts.waiting, PROFILE, parts.limits.wait_seconds_max)
        found, freshness = await self._gathered.get(subject)
        if found is None:
            raise NotFound("no such customer", field="ref")
        data, masked = parts.glass.opened(principal, found.subjects, customer_body(found))
        return answer(fresh_body(data | ({"masked": masked} if masked else {}), freshness, waited))

    def _fetch(self, subjects: Sequence[str]) -> list[Found]:
        reader = self._parts.reader
        found, snapshot = reader.read(
            PROFILE, subjects, lambda connection, g: customers(connection, g, subjects)
        )
        # All keys in one round trip; opening each answer then finds them in memory.
        self._parts.glass.warm([customer_body(customer) for customer in found.values()])
        return [(found.get(s), reader.freshness(reader.of_subject(snapshot, s))) for s in subjects]


def _envelope(
    who: Identifier | str,
    ref: str,
    sent: dict[str, Any],
    key: str | None,
    if_match: str | None,
) -> Envelope:
    version = (if_match or "").strip().strip('"')
    if if_match is not None and not version.isdecimal():
        raise Invalid('is a version, such as "3"', field="If-Match")
    content = {"customer": ref if isinstance(who, str) else who.text, "registration": dict(sent)}
    occurred_at = sent.pop("time", None)
    when = When(moment(occurred_at, "time") if occurred_at is not None else None)
    return Envelope(who, SOURCE, when, content, key, int(version) if version else None)


def _register(
    parts: Parts, principal: Principal, envelope: Envelope, sent: dict[str, Any]
) -> Response:
    door = Door(SOURCE, parts.region, parts.ids)
    try:
        registration = CustomerRegistered.model_validate(sent, context=door)
    except ValidationError as error:
        raise refusal(error) from None
    command = RegisterCustomer(registration)
    return receipt_answer(parts.dispatcher.run(principal, command, envelope, door))


def customer_body(customer: Customer) -> dict[str, Any]:
    """A customer on the wire, values as the view has them."""
    last = customer.last_contact
    return {
        "subjects": customer.subjects,
        "identifiers": [
            {"subject": subject, "kind": kind, "value": value}
            for subject, kind, value in customer.identifiers
        ],
        "registration": customer.who,
        "registered_at": customer.who_from and customer.who_from[0],
        "first_contact_at": customer.first_contact_at,
        "last_contact": last and {"at": last[0], "channel": last[2]},
        "contacts": customer.contacts,
        "purchases": {
            "count": customer.purchases,
            "lines": customer.purchase_lines,
            "net": customer.spent,
            "discounts": customer.discounts,
            "last_at": customer.last_purchase_at,
        },
        "complaints": {"count": customer.complaints, "last_at": customer.last_complaint_at},
        "erased": customer.erased,
    }
