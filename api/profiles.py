"""Profiles for many requests at once."""

from collections.abc import Sequence
from dataclasses import dataclass
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

Asked = tuple[Principal, Who]


@dataclass(frozen=True, slots=True)
class Found:
    """A living subject, and his profile if the view has a row of him."""

    subject: str
    body: dict[str, Any] | None
    freshness: Freshness


class Profiles:
    """Finds, reads, opens: all of it once for everybody who asks at the same moment."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._finder = Finder(parts.subjects, parts.lanes.reads)
        self._gathered: Gatherer[Asked, Found | None] = Gatherer(self._fetch, parts.lanes.reads)

    async def answer(self, principal: Principal, who: Who, wanted: Wish) -> Response:
        """The answer for one customer; raises NotFound for somebody of whom nothing is known.

        Of somebody whose first event is recorded but not yet in the view the profile is empty, and
        its freshness says why.
        """
        waited = None
        if wanted.token is not None:
            who = await self._finder.subject(who)
            waited = await wanted.wait(self._parts, PROFILE, who)
        found = await self._gathered.get((principal, who))
        if found is None:
            raise NotFound("no such customer", field="ref")
        return answer(
            fresh_body(found.body or _nothing_yet(found.subject), found.freshness, waited)
        )

    def _fetch(self, asked: Sequence[Asked]) -> list[Found | None]:
        reader = self._parts.reader
        living = self._parts.subjects.living([who for _, who in asked])
        subjects = sorted({subject for subject in living if subject is not None})
        found, snapshot = reader.read(
            PROFILE, subjects, lambda connection, g: customers(connection, g, subjects)
        )
        strangers = {s for s in subjects if s not in found and not self._has_history(s)}
        if len(found) + len(strangers) < len(subjects):
            # Somebody is so new that heads seen a moment ago do not know of him.
            reader.look_again()
        fresh = dict(zip(subjects, reader.freshness_of_each(snapshot, subjects), strict=True))
        opened = {who: self._opened(who, found) for who in {principal for principal, _ in asked}}
        return [
            None if s is None or s in strangers else Found(s, opened[principal].get(s), fresh[s])
            for (principal, _), s in zip(asked, living, strict=True)
        ]

    def _has_history(self, subject: str) -> bool:
        """False for a contact point that another one's event names and that did nothing itself."""
        return bool(self._parts.history.of_subject(subject))

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
