"""What the relay writes on Kafka, any reader gets back: the same event, nothing added or lost."""

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.attributes import READ, READ_REQUIRED
from schemas.envelope import Event
from schemas.errors import Broken, Malformed
from schemas.records import Headers, event_from_binary, to_binary
from schemas.registry import Registry
from tests.recorded import complaint, purchase, registered

REGISTRY = Registry()
BRUSSELS = timezone(timedelta(hours=1))
FULL = registered("ann")._replace(
    event_id=UUID(int=7 << 64 | 8 << 76),
    source="kassa-é",
    occurred_at=datetime(2026, 1, 31, 23, 30, 0, 250_000, tzinfo=BRUSSELS),
    precision="hour",
    basis="derived",
    business_day=date(2026, 2, 1),
    traffic="test",
    recorded_at=datetime(2026, 1, 31, 22, 30, 1, tzinfo=UTC),
    causation_id=UUID(int=9),
    position=77,
    sequence=5,
)


def read(headers: Headers, body: bytes) -> Any:
    return event_from_binary(headers, body, REGISTRY)


@pytest.mark.parametrize("event", [FULL, complaint("bob"), purchase("cem")])
def test_an_event_comes_back_as_it_went(event: Event) -> None:
    carried = read(*to_binary(event, 42))
    assert carried == (42, event)
    assert carried.event.occurred_at.utcoffset() == event.occurred_at.utcoffset()


@given(
    minutes=st.integers(-14 * 60, 14 * 60),
    at=st.datetimes(datetime(1900, 1, 2), datetime(2200, 12, 30)),
    text=st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    position=st.integers(1, 2**63 - 1),
)
def test_any_time_text_and_position_comes_back(
    minutes: int, at: datetime, text: str, position: int
) -> None:
    zone = timezone(timedelta(minutes=minutes))
    event = complaint("ann", text=text)._replace(
        source=text, occurred_at=at.replace(tzinfo=zone), position=position
    )
    assert read(*to_binary(event, 0)) == (0, event)


def test_every_published_attribute_is_a_header_but_the_data() -> None:
    headers, body = to_binary(FULL, 42)
    names = {name.removeprefix("ce_") for name, _ in headers} - {"content-type"}
    assert names == set(READ) - {"data", "datacontenttype"}
    assert dict(headers)["content-type"] == b"application/json"
    plain = {name.removeprefix("ce_") for name, _ in to_binary(complaint("bob"), 42)[0]}
    assert set(READ_REQUIRED) - {"data", "datacontenttype"} <= plain
    assert body == b'{"party":"person","relationship":"customer","name_family":"~1.ann"}'


def test_places_in_the_log_and_the_epoch_are_headers_of_digits() -> None:
    found = dict(to_binary(FULL, 42)[0])
    names = ("partition", "position", "sequence", "epoch")
    assert [found[f"ce_{name}"] for name in names] == [b"2", b"77", b"5", b"42"]


@pytest.mark.parametrize("lost", ["ce_id", "ce_position", "ce_epoch", "ce_stream"])
def test_a_record_that_lacks_a_header_is_none_of_ours(lost: str) -> None:
    headers, body = to_binary(FULL, 42)
    with pytest.raises(Malformed):
        read([(name, value) for name, value in headers if name != lost], body)


@pytest.mark.parametrize(
    ("name", "value"),
    [("ce_position", b"x"), ("ce_time", b"now"), ("ce_traffic", b"jam"), ("ce_source", b"\xff")],
)
def test_a_header_that_cannot_be_read_is_none_of_ours(name: str, value: bytes) -> None:
    headers, body = to_binary(FULL, 42)
    with pytest.raises(Malformed):
        read([*headers, (name, value)], body)
    with pytest.raises(Malformed):
        read(headers, b"{")


def test_a_type_or_version_of_a_later_release_is_refused() -> None:
    headers, body = to_binary(FULL, 42)
    for name, value in [("ce_type", b"moon.seen"), ("ce_typeversion", b"99")]:
        with pytest.raises(Broken):
            read([*headers, (name, value)], body)
