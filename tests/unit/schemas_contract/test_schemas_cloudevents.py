"""One codec for every door: structured, binary and batched CloudEvents say the same."""

import json
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any
from urllib.parse import quote
from uuid import UUID

import pytest

from schemas.attributes import READ, READ_REQUIRED, SENT, SENT_REQUIRED
from schemas.cloudevents import from_batch, from_binary, from_json, to_json
from schemas.envelope import Event, Reported, When
from schemas.errors import Invalid, Malformed
from schemas.event_page import EXAMPLE
from schemas.registry import Registry
from tests.unit.schemas_contract.examples import door

AN_ID = "0f8fad5b-d9cb-869f-a165-70867728950e"
SMALLEST = {"specversion": "1.0", "id": "42", "source": "shop", "type": "purchase.made"}
FULL = SMALLEST | {
    "typeversion": 1,
    "subject": "crm:1001",
    "time": "2026-01-31T23:30:00.25+01:00",
    "timeprecision": "hour",
    "timebasis": "derived",
    "businessdate": "2026-02-01",
    "traffic": "test",
    "correlationid": AN_ID,
    "causationid": AN_ID,
    "datacontenttype": "application/json",
    "dataschema": "urn:backbone:schema:inbound:purchase.made:v1",
    "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    "tracestate": "a=b",
    "data": {"channel": "store"},
}
BRUSSELS = timezone(timedelta(hours=1))
RECORDED = Event(
    event_id=UUID(AN_ID),
    type="purchase.made",
    version=1,
    stream="s_x/touchpoint/1",
    stream_version=1,
    subject="s_" + "a" * 26,
    source="shop",
    actor="channel:shop",
    occurred_at=datetime(2026, 1, 31, 23, 30, tzinfo=BRUSSELS),
    precision="second",
    basis="reported",
    business_day=date(2026, 1, 31),
    traffic="live",
    recorded_at=datetime(2026, 1, 31, 22, 30, 1, tzinfo=UTC),
    correlation_id=UUID(AN_ID),
    causation_id=None,
    partition=3,
    position=77,
    sequence=5,
    data={"channel": "store"},
)


def binary(event: dict[str, Any], prefix: str = "ce-") -> Reported:
    """The same event sent in binary mode."""
    headers = {
        f"{prefix}{name}": quote(str(value), safe=":/+@")
        for name, value in event.items()
        if name != "data"
    }
    return from_binary(headers, json.dumps(event.get("data", {})).encode(), prefix)


def refused(**attributes: Any) -> Invalid:
    with pytest.raises(Invalid) as refusal:
        from_json(SMALLEST | attributes)
    return refusal.value


def test_the_smallest_event_has_an_id_a_source_and_a_type() -> None:
    assert from_json(SMALLEST) == Reported(
        source="shop",
        channel_id="42",
        type="purchase.made",
        version=1,
        subject=None,
        when=When(),
        sent={},
        data={},
    )


def test_every_attribute_is_read() -> None:
    report = from_json(FULL)
    assert report.when == When(
        occurred_at=datetime(2026, 1, 31, 23, 30, 0, 250_000, tzinfo=BRUSSELS),
        precision="hour",
        basis="derived",
        business_date=date(2026, 2, 1),
        traffic="test",
    )
    assert (report.subject, report.version) == ("crm:1001", 1)
    assert report.correlation_id == report.causation_id == UUID(AN_ID)
    assert report.data == {"channel": "store"}


def test_the_fingerprint_covers_time_and_traffic_as_they_were_sent() -> None:
    names = ("time", "timeprecision", "timebasis", "businessdate", "traffic")
    assert from_json(FULL).sent == {name: FULL[name] for name in names}


@pytest.mark.parametrize("event", [SMALLEST, FULL], ids=["smallest", "full"])
@pytest.mark.parametrize("prefix", ["ce-", "ce_"])
def test_binary_and_structured_say_the_same(event: dict[str, Any], prefix: str) -> None:
    assert binary(event, prefix) == from_json(event)


def test_other_headers_are_not_attributes_and_case_does_not_matter() -> None:
    headers = {f"CE-{name.title()}": value for name, value in SMALLEST.items()}
    headers |= {"Content-Type": "application/json", "X-Ce-Type": "other"}
    assert from_binary(headers, b"{}") == from_json(SMALLEST)


@pytest.mark.parametrize(
    "header",
    ["caf%C3%A9%2042%25", "caf%c3%a9%2042%25", '"caf%C3%A9 42%25"', '"caf%C3%A9 \\42%25"'],
)
def test_header_values_are_unquoted_once_and_percent_decoded_once(header: str) -> None:
    report = from_binary(headers() | {"ce-id": header}, b"{}")
    assert report.channel_id == "café 42%"


def headers() -> dict[str, str]:
    return {f"ce-{name}": value for name, value in SMALLEST.items() if name != "id"}


def test_a_header_that_is_not_utf8_is_malformed() -> None:
    with pytest.raises(Malformed, match="percent-encoded"):
        from_binary(headers() | {"ce-id": "%C3%28"}, b"{}")


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"NaN", b'"\\ud800"', b"[1]]"])
def test_a_body_that_is_not_json_is_malformed_and_not_repeated(body: bytes) -> None:
    with pytest.raises(Malformed) as refusal:
        from_binary(headers() | {"ce-id": "1"}, body)
    assert refusal.value.reason == "the body is not JSON in UTF-8"


def test_a_batch_is_an_array_of_events_each_read_alone() -> None:
    events = from_batch(json.dumps([SMALLEST, {"not": "an event"}, FULL]).encode())
    assert [from_json(events[0]), from_json(events[2])] == [from_json(SMALLEST), from_json(FULL)]
    with pytest.raises(Invalid):
        from_json(events[1])
    assert from_batch(b"[]") == []


@pytest.mark.parametrize("body", [b"{}", b"1", b"null", b"[", b'"x"'])
def test_what_is_no_array_is_no_batch(body: bytes) -> None:
    with pytest.raises(Malformed):
        from_batch(body)


@pytest.mark.parametrize("value", [None, [], "text", 7])
def test_an_event_is_an_object(value: Any) -> None:
    with pytest.raises(Invalid, match="is an object"):
        from_json(value)


@pytest.mark.parametrize(
    "name", ["busnessdate", "data_base64", "recordedtime", "actor", "position"]
)
def test_an_unknown_attribute_is_refused_by_name(name: str) -> None:
    assert refused(**{name: "x"}).field == name


@pytest.mark.parametrize("name", ["Ada Peeters", "0470123456", "ada@example.org", "É", "A"])
def test_an_unknown_name_that_a_person_may_have_typed_is_not_repeated(name: str) -> None:
    refusal = refused(**{name: "x"})
    assert refusal.field == "event"
    assert name not in refusal.reason.split()


@pytest.mark.parametrize("name", SMALLEST)
def test_what_is_required_is_missed_by_name(name: str) -> None:
    with pytest.raises(Invalid) as refusal:
        from_json({key: value for key, value in SMALLEST.items() if key != name})
    assert refusal.value.field == name


BAD: dict[str, list[Any]] = {
    "specversion": ["0.3", 1.0, "1"],
    "id": ["", "x" * 201, "a\x00", 7, "~1.x", "\ud800"],
    "source": ["", "a b", "a/b", "a\x85", "x" * 201, 7, "~1.x", "e\u0301" * 200 + "x", "\ud800"],
    "type": ["", "visited", "Visit.made", "visit.", "visit.made ", 7],
    "typeversion": [0, -1, 1.5, True, "0", "one", "٣", "9" * 5000, [1]],
    "subject": ["", 7, []],
    "timeprecision": ["minute", "", 7],
    "timebasis": ["guessed", ["reported"]],
    "traffic": ["Live", 1],
    "correlationid": ["x", "", 7],
    "causationid": ["x"],
    "datacontenttype": ["text/plain", "application/xml"],
    "businessdate": [
        *("2026-02-30", "2026-2-1", "20260201", "1899-12-31", "2201-01-01", 20260201),
        *("2026-02-01T00:00:00", "٢٠٢٦-02-01"),
    ],
    "time": [
        *("2026-02-28T12:00:00", "2026-02-28", "2026-02-28T12:00+01:00", "12:00:00Z", "now", ""),
        *("2026-02-30T12:00:00Z", "2026-01-31T25:00:00Z", "2026-01-31T12:00:60Z"),
        *("2026-01-31T12:00:00+25:00", "2026-W05-6T12:00:00Z", 1769860800),
        *("1899-12-31T23:59:59Z", "2201-01-01T00:00:00Z", "0000-01-01T00:00:00Z"),
    ],
}


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in BAD.items() for value in values]
)
def test_a_bad_attribute_is_refused_by_name_and_not_repeated(name: str, value: Any) -> None:
    refusal = refused(**{name: value})
    assert refusal.field == name
    assert not isinstance(value, str) or len(value) < 4 or value not in refusal.reason


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-01-31T12:00:00Z", datetime(2026, 1, 31, 12, tzinfo=UTC)),
        ("2026-01-31t12:00:00z", datetime(2026, 1, 31, 12, tzinfo=UTC)),
        ("2026-01-31 12:00:00.1-05:30", datetime(2026, 1, 31, 17, 30, 0, 100_000, tzinfo=UTC)),
        ("2026-01-31T12:00:00.123456789Z", datetime(2026, 1, 31, 12, 0, 0, 123_456, tzinfo=UTC)),
        ("1900-01-01T00:00:00Z", datetime(1900, 1, 1, tzinfo=UTC)),
        ("2200-12-31T23:59:59Z", datetime(2200, 12, 31, 23, 59, 59, tzinfo=UTC)),
    ],
)
def test_a_time_with_a_zone_is_read(text: str, at: datetime) -> None:
    assert from_json(SMALLEST | {"time": text}).when.occurred_at == at


def test_a_time_keeps_the_channels_own_offset() -> None:
    at = from_json(SMALLEST | {"time": "2026-01-31T12:00:00-03:00"}).when.occurred_at
    assert at is not None
    assert at.utcoffset() == timedelta(hours=-3)


def test_a_null_attribute_is_an_absent_one() -> None:
    nulls = {name: None for name in FULL if name not in (*SMALLEST, "typeversion", "data")}
    assert from_json(SMALLEST | nulls) == from_json(SMALLEST)


def test_a_source_is_the_same_however_its_letters_are_composed() -> None:
    assert from_json(SMALLEST | {"source": "cafe\u0301"}).source == "caf\u00e9"


def test_a_version_may_come_as_text() -> None:
    assert from_json(SMALLEST | {"typeversion": "2"}).version == 2


def test_a_recorded_event_is_a_cloudevent() -> None:
    event = to_json(RECORDED)
    assert event["id"] == AN_ID
    assert event["time"] == "2026-01-31T23:30:00+01:00"
    assert event["recordedtime"] == "2026-01-31T22:30:01+00:00"
    assert event["data"] == {"channel": "store"}
    assert "causationid" not in event
    assert to_json(RECORDED._replace(causation_id=UUID(AN_ID)))["causationid"] == AN_ID


def test_what_was_recorded_reads_back_as_what_was_reported() -> None:
    out = to_json(RECORDED)
    report = from_json({name: value for name, value in out.items() if name in SENT})
    assert (report.type, report.version, report.subject) == ("purchase.made", 1, RECORDED.subject)
    assert report.when == When(RECORDED.occurred_at, business_date=RECORDED.business_day)
    assert report.data == RECORDED.data


def test_the_published_envelopes_name_the_codecs_attributes() -> None:
    assert FULL.keys() == SENT.keys()
    assert set(SENT_REQUIRED) == SMALLEST.keys()
    assert set(READ_REQUIRED) == to_json(RECORDED).keys()
    assert set(READ) - set(READ_REQUIRED) == {"causationid", "stream", "streamversion", "epoch"}


def test_the_pages_example_is_taken() -> None:
    report = from_json(json.loads(json.dumps(EXAMPLE)))
    assert Registry().parse(report.type, report.version, report.data, door())
