"""Given a customer's events, when his timeline is asked for, then they come newest first, a page
at a time."""

from typing import Any

import pytest

from tests.serving import Served, complaint, purchase, unique

FOUR = [
    "2026-03-01T09:00:00+01:00",
    "2026-03-01T10:00:00+01:00",
    "2026-03-01T10:00:00+01:00",
    "2026-03-01T10:00:00+01:00",
]


@pytest.fixture
def who(served: Served) -> str:
    """A customer with a purchase at nine, and one and two complaints at ten."""
    who = unique("crm:")
    served.post(purchase(who, time=FOUR[0]))
    served.post(purchase(who, time=FOUR[1]))
    served.post(complaint(who, "first", time=FOUR[2]))
    token = served.token(complaint(who, "second", time=FOUR[3], data={"channel": "chat"}))
    served.get(f"/v1/customers/{who}/timeline", at_least=token)
    return who


def touchpoints(answer: dict[str, Any]) -> list[str]:
    """What happened, each told by its text or type, without the opening of the subject."""
    return [
        entry["data"].get("text", entry["type"])
        for entry in answer["data"]
        if entry["type"] != "subject.opened"
    ]


def test_newest_first_and_what_happened_at_once_in_the_order_recorded(
    served: Served, who: str
) -> None:
    answer = served.get(f"/v1/customers/{who}/timeline")

    assert touchpoints(answer) == ["second", "first", "purchase.made", "purchase.made"]
    assert answer["cursor"] is None
    assert answer["data"][0]["occurred_at"] == FOUR[3]


@pytest.mark.parametrize("limit", [1, 2, 3, 5])
def test_pages_together_are_the_whole_and_nothing_twice(
    served: Served, who: str, limit: int
) -> None:
    path = f"/v1/customers/{who}/timeline"
    whole = served.get(path)["data"]
    pages: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        answer = served.get(path, limit=limit, **cursor)
        assert len(answer["data"]) <= limit
        pages += answer["data"]
        if answer["cursor"] is None:
            break
        cursor = {"cursor": answer["cursor"]}

    assert pages == whole


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"kind": "complaint.made"}, ["second", "first"]),
        ({"kind": ["complaint.made", "purchase.made"], "channel": "web"}, ["purchase.made"] * 2),
        ({"channel": "chat"}, ["second"]),
        ({"channel": "fax"}, []),
        ({"since": FOUR[1], "kind": "purchase.made"}, ["purchase.made"]),
        ({"until": FOUR[1], "kind": "purchase.made"}, ["purchase.made"]),
        ({"since": "2026-03-01T08:00:00Z", "until": "2026-03-01T09:00:00Z"}, ["purchase.made"]),
        ({"since": "1900-01-01T00:00:00+14:00", "until": "1900-01-02T00:00:00-12:00"}, []),
    ],
)
def test_filters(served: Served, who: str, query: dict[str, Any], expected: list[str]) -> None:
    answer = served.get(f"/v1/customers/{who}/timeline", **query)

    assert touchpoints(answer) == expected


def test_pages_reach_to_the_first_day_that_there_is(served: Served) -> None:
    who = unique("crm:")
    first = "1900-01-01T00:00:00+14:00"
    served.post(complaint(who, "older", time=first))
    token = served.token(complaint(who, "newer", time=first))
    path = f"/v1/customers/{who}/timeline"

    page = served.get(path, at_least=token, kind="complaint.made", limit=1)
    after = served.get(path, kind="complaint.made", limit=1, cursor=page["cursor"])

    assert (touchpoints(page), touchpoints(after)) == (["newer"], ["older"])
    assert page["data"][0]["occurred_at"] == first
