"""Recorded events as every reader gets them, made by hand and numbered as the store would."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

from schemas.envelope import Event
from schemas.partitioning import partition_of

PARTITIONS = 3
T0 = datetime(2026, 3, 1, 12, tzinfo=UTC)


def subject(name: str) -> str:
    """A subject's name made of a short one: `s_` and 26 letters."""
    return "s_" + name.ljust(26, "x")


def recorded(
    name: str, event_type: str, data: dict[str, Any] | None = None, **envelope: Any
) -> Event:
    """One event of the subject `name`; `number` gives it its places in the log."""
    envelope.setdefault("occurred_at", T0)
    envelope.setdefault("business_day", envelope["occurred_at"].date())
    values: dict[str, Any] = {
        "event_id": UUID(int=0),
        "version": 1,
        "stream": f"{subject(name)}/touchpoint/x",
        "stream_version": 1,
        "source": "shop",
        "actor": "channel:shop",
        "precision": "second",
        "basis": "reported",
        "traffic": "live",
        "recorded_at": T0,
        "correlation_id": UUID(int=1),
        "causation_id": None,
        "partition": partition_of(subject(name), PARTITIONS),
        "position": 0,
        "sequence": 0,
    }
    return Event(type=event_type, subject=subject(name), data=data or {}, **(values | envelope))


def numbered(events: Iterable[Event], after: int = 0) -> list[Event]:
    """The events as one log: positions from `after` + 1, sequences per partition from 1."""
    sequences = {partition: count(1) for partition in range(PARTITIONS)}
    return [
        event._replace(
            event_id=UUID(int=position << 64 | 8 << 76),
            position=position,
            sequence=next(sequences[event.partition]),
            recorded_at=T0 + timedelta(seconds=position),
        )
        for position, event in enumerate(events, after + 1)
    ]


def complaint(name: str, **data: Any) -> Event:
    """A complaint by telephone."""
    return recorded(
        name, "complaint.made", {"channel": "voice", "via": "direct", "issue": "late"} | data
    )


def purchase(name: str, amount: str = "10.00", channel: str = "web", **data: Any) -> Event:
    """A purchase of one line."""
    money = {"amount": amount, "currency": "EUR"}
    line = {"no": 1, "product": "p1", "category": "food", "quantity": "1", "unit": "piece"}
    return recorded(
        name,
        "purchase.made",
        {"channel": channel, "net": money, "lines": [line | {"net": money}]} | data,
    )


def registered(name: str, **data: Any) -> Event:
    """A registration with a sealed family name."""
    return recorded(
        name,
        "customer.registered",
        {"party": "person", "relationship": "customer", "name_family": f"~1.{name}"} | data,
    )


def erased(name: str) -> Event:
    """The end of everything personal."""
    return recorded(name, "subject.erased", {"reason": "request", "keys_destroyed": 1})
