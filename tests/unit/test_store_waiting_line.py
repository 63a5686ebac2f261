"""Who goes into the next group, who waits, and who is turned away."""

from typing import Any
from uuid import UUID

import pytest

from schemas.errors import Unavailable
from store import waiting_line
from store.drafts import Append, Draft
from store.waiting_line import Request, WaitingLine


def request(*numbers: int, content: bytes = b"") -> Request:
    """A request of the events with these ids; nothing else of it matters here."""
    values: dict[str, Any] = {"data": None, "when": None, "source": "", "actor": ""}
    drafts = (
        Draft(event_id=UUID(int=n), content=content, who="@a:b", stream="s", **values)
        for n in numbers
    )
    return Request(Append(tuple(drafts)))


def line_of(*requests: Request, events_max: int = 100) -> WaitingLine:
    line = WaitingLine(events_max)
    for one in requests:
        line.put(one)
    return line


def test_a_group_is_taken_in_order_of_arrival() -> None:
    requests = [request(n) for n in range(5)]
    assert line_of(*requests).take() == requests


def test_the_same_event_again_waits_for_the_next_group_and_nobody_overtakes_it() -> None:
    first, again, both, other = request(1), request(1), request(1, 2), request(3)
    after = request(2)
    line = line_of(first, again, both, other, after)

    assert line.take() == [first, other]
    assert line.take() == [again]
    assert line.take() == [both]
    assert line.take() == [after]


def test_whoever_is_put_back_comes_before_those_who_came_later() -> None:
    a, b, c = request(1), request(2), request(3)
    line = line_of(a, b)
    line.take()
    line.put(c)
    line.put_back([a, b])

    assert line.take() == [a, b, c]


def test_a_group_is_bounded_in_events_and_in_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting_line, "GROUP_EVENTS_MAX", 3)
    monkeypatch.setattr(waiting_line, "GROUP_BYTES_MAX", 10)
    large = request(1, 2, 3, 4)
    two, one, another = request(5, 6), request(7), request(8)
    heavy, long = request(9, content=b"x" * 6), request(10, content=b"x" * 60)

    line = line_of(large, two, one, another, heavy, long)

    groups = [line.take() for _ in range(4)]
    assert groups == [[large], [two, one], [another, heavy], [long]]


def test_a_full_line_turns_away_until_somebody_is_taken() -> None:
    line = line_of(request(1, 2), events_max=3)
    with pytest.raises(Unavailable):
        line.put(request(3, 4))
    line.put(request(3))
    line.take()
    line.put(request(4, 5, 6, 7, 8))
    with pytest.raises(Unavailable):
        line.put(request(9))
    assert len(line) == 1


def test_whoever_cancels_in_the_line_is_not_written_and_frees_his_place() -> None:
    gone, stays = request(1), request(2)
    line = line_of(gone, stays, events_max=2)
    assert gone.answer.cancel()

    assert line.take() == [stays]
    assert not stays.answer.cancel(), "it is being written"
    line.put(request(3, 4))


def test_a_cancelled_request_that_is_put_back_or_follows_another_is_never_taken() -> None:
    first, same = request(1), request(1)
    line = line_of(first, same)
    line.take()
    same.answer.cancel()
    line.close()

    assert line.take() == []


def test_a_closed_line_gives_out_what_waits_and_takes_nothing() -> None:
    waits = request(1)
    line = line_of(waits)
    line.close()

    with pytest.raises(Unavailable):
        line.put(request(2))
    assert line.take() == [waits]
    assert line.take() == []


def test_all_who_wait_can_be_answered_at_once() -> None:
    gone, stays = request(1), request(2)
    line = line_of(gone, stays)
    gone.answer.cancel()

    assert line.take_all() == [stays]
    assert len(line) == 0
    line.put(request(*range(100)))
