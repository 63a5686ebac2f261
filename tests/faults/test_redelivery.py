"""Given a batch, when the projector dies between writing rows and moving its checkpoint, or between
its commit and knowing of it, then the batch that comes again changes nothing."""

from dataclasses import replace
from typing import Any

import pytest

from tests.faults.checks import World, check_profiles
from tests.faults.load import Client
from tests.faults.orders import Place
from tests.faults.running import Programs

EVENTS = 30


def die_in_a_batch(there: World, start: Programs, place: Place, **guards: Any) -> None:
    """The projector dies at the place, and its successor goes on."""
    client = Client(seed=2)
    door = start(replace(there.orders, projects=()))
    assert client.send(door, *(client.event("complaint.made") for _ in range(EVENTS)))
    orders = replace(there.orders, door=False, projects=("profile",), **guards)
    doomed = start(replace(orders, place=place))
    doomed.dies()
    start(orders)
    there.settled("profile")
    check_profiles(there, there.log())


@pytest.mark.parametrize("place", ["project.polled", "project.inside", "project.after"])
def test_a_batch_that_comes_again_changes_nothing(
    there: World, start: Programs, place: Place
) -> None:
    die_in_a_batch(there, start, place)


def test_sabotage_with_the_checkpoint_apart_a_batch_counts_twice(
    there: World, start: Programs
) -> None:
    with pytest.raises(AssertionError, match="the profile is not the plain fold of the log"):
        die_in_a_batch(there, start, "project.apart", together=False)
