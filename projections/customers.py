"""A customer: the profile rows of his subjects, added up when they are read.

So linking two subjects, and unlinking them again, is exact: nothing is ever merged.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import reduce
from typing import Any, TypeVar

from sqlalchemy import Connection, select

from projections.profile import Profile, profiles
from projections.tables import of_generation


@dataclass(frozen=True, slots=True)
class Customer:
    """One or more subjects, added up. Sealed values belong to the subject that stands with them.

    `identifiers`: (subject, kind, sealed identifier). `who` is the latest registration of all, and
    `who_from` (occurred_at, position, subject). `first_contact_at` and the like are instants.
    `spent`: currency -> tax_included -> net; `discounts`: currency -> kind -> amount.
    """

    subjects: tuple[str, ...]
    identifiers: tuple[tuple[str, str | None, str | None], ...]
    who: dict[str, Any] | None
    who_from: tuple[datetime, int, str] | None
    first_contact_at: datetime | None
    last_contact: tuple[datetime, int, str] | None
    contacts: dict[str, dict[str, int]]
    purchases: int
    purchase_lines: int
    spent: dict[str, dict[str, Decimal]]
    discounts: dict[str, dict[str, Decimal]]
    last_purchase_at: datetime | None
    complaints: int
    last_complaint_at: datetime | None
    erased: tuple[str, ...]


def customer_of(row: Profile) -> Customer:
    """A customer of one subject."""
    subject = row.subject
    who_from = last = None
    if row.who_at is not None and row.who_position is not None:
        who_from = row.who_at, row.who_position, subject
    if row.last_contact_at is not None and row.last_contact_position is not None:
        last = row.last_contact_at, row.last_contact_position, row.last_channel or "unknown"
    return Customer(
        subjects=(subject,),
        identifiers=((subject, row.kind, row.identifier),),
        who=row.who,
        who_from=who_from,
        first_contact_at=row.first_contact_at,
        last_contact=last,
        contacts=row.contacts,
        purchases=row.purchases,
        purchase_lines=row.purchase_lines,
        spent=_decimals(row.spent),
        discounts=_decimals(row.discounts),
        last_purchase_at=row.last_purchase_at,
        complaints=row.complaints,
        last_complaint_at=row.last_complaint_at,
        erased=() if row.erased_at is None else (subject,),
    )


def add(a: Customer, b: Customer) -> Customer:
    """Two customers as one: counts add, first is min, latest is by (occurred_at, position)."""
    latest = max(a, b, key=lambda c: (c.who_from is not None, c.who_from and c.who_from[:2]))
    return Customer(
        subjects=tuple(sorted(a.subjects + b.subjects)),
        identifiers=tuple(sorted(a.identifiers + b.identifiers)),
        who=latest.who,
        who_from=latest.who_from,
        first_contact_at=_first(min, a.first_contact_at, b.first_contact_at),
        last_contact=_first(max, a.last_contact, b.last_contact),
        contacts=_added(a.contacts, b.contacts),
        purchases=a.purchases + b.purchases,
        purchase_lines=a.purchase_lines + b.purchase_lines,
        spent=_added(a.spent, b.spent),
        discounts=_added(a.discounts, b.discounts),
        last_purchase_at=_first(max, a.last_purchase_at, b.last_purchase_at),
        complaints=a.complaints + b.complaints,
        last_complaint_at=_first(max, a.last_complaint_at, b.last_complaint_at),
        erased=tuple(sorted(a.erased + b.erased)),
    )


def customers(
    connection: Connection, generation: int, subjects: Sequence[str]
) -> dict[str, Customer]:
    """Each of these subjects as a customer of its own; those without a row are left out."""
    table = of_generation(profiles, generation)
    rows = connection.execute(select(table).where(table.c.subject.in_(subjects)))
    return {row.subject: customer_of(Profile(*row)) for row in rows}


def customer(connection: Connection, generation: int, subjects: Sequence[str]) -> Customer | None:
    """The sum of these subjects' rows, or None where none of them has one."""
    parts = customers(connection, generation, subjects).values()
    return reduce(add, parts) if parts else None


_N = TypeVar("_N", int, Decimal)
_T = TypeVar("_T")


def _decimals(sums: dict[str, dict[str, str]]) -> dict[str, dict[str, Decimal]]:
    return {o: {i: Decimal(amount) for i, amount in inner.items()} for o, inner in sums.items()}


def _added(a: dict[str, dict[str, _N]], b: dict[str, dict[str, _N]]) -> dict[str, dict[str, _N]]:
    out = {outer: dict(inner) for outer, inner in a.items()}
    for outer, inner in b.items():
        into = out.setdefault(outer, {})
        for name, number in inner.items():
            into[name] = into[name] + number if name in into else number
    return out


def _first(choose: Callable[[_T, _T], _T], a: _T | None, b: _T | None) -> _T | None:
    if a is None or b is None:
        return a if b is None else b
    return choose(a, b)
