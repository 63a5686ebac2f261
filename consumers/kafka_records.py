"""Records of the topic as events of one store, and what is refused: only its relay writes there."""

from dataclasses import dataclass
from typing import Any

from schemas.envelope import Event
from schemas.errors import Broken, Malformed, OtherEpoch
from schemas.records import EPOCH, Carried, event_from_binary
from schemas.registry import Registry

_SEQUENCE = "ce_sequence"


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a record's headers say of its place, without reading the rest of it."""

    epoch: int
    sequence: int


def stamp(record: Any) -> Stamp:
    """The record's place in its store; raises Broken for a record that no relay wrote."""
    headers = dict(record.headers)
    try:
        return Stamp(int(headers[EPOCH]), int(headers[_SEQUENCE]))
    except (KeyError, ValueError, TypeError):
        raise _foreign(record) from None


def event_of(record: Any, epoch: int, registry: Registry) -> Event:
    """The event that the record carries, as of the current version.

    Raises OtherEpoch for one that is not of this epoch, Broken for one that no relay wrote or that
    this release does not know.
    """
    try:
        carried: Carried = event_from_binary(record.headers, record.value, registry)
    except (Malformed, AttributeError):  # a header without a value
        raise _foreign(record) from None
    check_epoch(carried.epoch, epoch)
    if carried.event.partition != record.partition:
        raise _foreign(record)
    return carried.event


def check_epoch(found: int, wanted: int) -> None:
    """Raises OtherEpoch unless they are the same."""
    if found != wanted:
        raise OtherEpoch(
            "the topic's events are of another epoch of the store than the view: once the relay "
            "has filled the topic anew, rebuild the view"
        )


def _foreign(record: Any) -> Broken:
    return Broken(
        f"the topic {record.topic} holds a record that no relay wrote, in partition "
        f"{record.partition} at {record.offset}: only the relay may write there. Delete the topic, "
        "and the relay fills it anew"
    )
