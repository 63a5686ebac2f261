"""Profiles for many requests at once."""

from collections.abc import Sequence
from typing import Any

from fastapi import Response

from api.answers import answer
from api.consistency import Wish, fresh_body
from api.gather import Gatherer
from api.parts import Parts
from api.reading import Freshness
from api.references import Finder
from domain.access import Principal
from projections.customers import Customer, customer_of, customers
from projections.profile import PROFILE, Profile
from schemas.errors import NotFound
from store.drafts import Who

Asked = tuple[Principal, str]
Found = tuple[dict[str, Any] | None, Freshness]


class Profiles:
    """Finds, reads, opens: each for everybody who asks at the same moment."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._finder = Finder(parts.subjects, parts.lanes.reads)
        self._gathered: Gatherer[Asked, Found] = Gatherer(self._fetch, parts.lanes.reads)

    async def answer(self, principal: Principal, who: Who, wanted: Wish) -> Response:
        """The answer for one customer; raises NotFound for somebody of whom nothing is known.

        Of somebody whose first event is recorded but not yet in the view the profile is empty, and
        its freshness says why.
        """
        parts = self._parts
        subject = await self._finder.subject(who)
        waited = await wanted.wait(parts, PROFILE, subject)
        found, freshness = await self._gathered.get((principal, subject))
        if found is None and freshness.state == "fresh":
            # A contact point that somebody else's event names, and that did nothing itself.
            raise NotFound("no such customer", field="ref")
        return answer(fresh_body(found or _nothing_yet(subject), freshness, waited))

    def _fetch(self, asked: Sequence[Asked]) -> list[Found]:
        reader = self._parts.reader
        subjects = [subject for _, subject in asked]
        found, snapshot = reader.read(
            PROFILE, subjects, lambda connection, g: customers(connection, g, subjects)
        )
        opened = {
            principal: self._opened(principal, found) for principal in {who for who, _ in asked}
        }
        if not found.keys() >= set(subjects):
            # A customer without a row is nobody, or so new that older heads do not know of him.
            reader.look_again()
        freshness = reader.freshness_of_each(snapshot, subjects)
        return [
            (opened[principal].get(subject), fresh)
            for (principal, subject), fresh in zip(asked, freshness, strict=True)
        ]

    def _opened(
        self, principal: Principal, found: dict[str, Customer]
    ) -> dict[str, dict[str, Any]]:
        bodies = [(customer.subjects, customer_body(customer)) for customer in found.values()]
        opened = self._parts.glass.opened_each(principal, bodies)
        return dict(zip(found, opened, strict=True))


def _nothing_yet(subject: str) -> dict[str, Any]:
    return customer_body(customer_of(Profile(subject, 0))) | {"identifiers": []}


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
