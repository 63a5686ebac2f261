"""Given one event, when the process dies on the way from decision to answer, then all of it is
recorded or nothing is, and sending it again gives its one receipt."""

from dataclasses import replace
from typing import Any

import pytest

from tests.faults.checks import World, check_everything, check_log
from tests.faults.load import Client
from tests.faults.orders import Place
from tests.faults.running import Programs


def die_in_an_append(there: World, start: Programs, place: Place, **guards: Any) -> Client:
    """One new customer's event, and the program that took it is dead."""
    client = Client(seed=1)
    doomed = start(replace(there.orders, place=place, projects=(), **guards))
    assert not client.send(doomed, client.event()), f"it never came by {place}"
    check_log(there.log())
    return client


@pytest.mark.parametrize("place", ["append.before", "append.inside"])
def test_killed_before_the_commit_nothing_happened(
    there: World, start: Programs, place: Place
) -> None:
    client = die_in_an_append(there, start, place)
    assert there.log() == []
    assert client.repeat(start(there.orders), client.unanswered)
    assert client.repeats == 0
    check_everything(there, client)


def test_killed_between_commit_and_answer_the_repeat_gets_the_first_receipt(
    there: World, start: Programs
) -> None:
    client = die_in_an_append(there, start, "append.after")
    (name,) = client.unanswered
    assert there.recorded([name]) == [name]
    last = start(there.orders)
    assert client.repeat(last, [name, name])
    assert client.repeats == 2
    check_everything(there, client)


def test_sabotage_row_by_row_a_request_is_recorded_in_part(there: World, start: Programs) -> None:
    with pytest.raises(AssertionError, match="a request is in the store in part only"):
        die_in_an_append(there, start, "append.between", whole=False)
