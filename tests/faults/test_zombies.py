"""Given a projector that stands still with a batch in hand while another one takes its partitions
over, when it wakes up, then it writes nothing."""

from dataclasses import replace

import pytest

from tests.faults.checks import World, check_profiles
from tests.faults.load import Client
from tests.faults.orders import Orders, Place
from tests.faults.running import Programs, Running
from tests.feeding import cut, until

EVENTS = 20
LOCKS = "backbone projector profile"


def woken(zombie: Running) -> bool:
    """Whether it has tried to write: it has let go of its partitions, or it has gone on."""
    now = zombie.health()["profile"]
    return not now["partitions"] or now["state"] == "fresh"


def projectors(there: World, *, guarded: bool = True, owned: bool = True) -> Orders:
    """Who keeps the profile view, and with which guards."""
    return replace(there.orders, door=False, projects=("profile",), guarded=guarded, owned=owned)


def a_zombie_wakes_up(
    there: World, start: Programs, orders: Orders, place: Place = "project.polled"
) -> int:
    """How many events it took over, once it is awake and another one keeps the view."""
    client = Client(seed=3)
    door = start(replace(there.orders, projects=()))
    assert client.send(door, *(client.event("complaint.made") for _ in range(EVENTS)))
    zombie = start(replace(orders, place=place, then="stops"))
    zombie.stopped(place)
    # What the server does with a client of which it has not heard for too long.
    cut(there.orders.views, "" if place == "project.inside" else LOCKS)
    heir = start(orders)
    there.settled("profile")
    check_profiles(there, there.log())
    zombie.go_on()
    until(lambda: woken(zombie), "the zombie has tried to write")
    check_profiles(there, there.log())
    taken = int(zombie.health()["profile"]["events"])
    assert client.send(door, *(client.event() for _ in range(EVENTS)))
    there.settled("profile")
    check_profiles(there, there.log())
    assert heir.alive
    return taken


@pytest.mark.parametrize("place", ["project.polled", "project.inside"])
def test_a_zombie_writes_nothing_and_lets_go(there: World, start: Programs, place: Place) -> None:
    assert a_zombie_wakes_up(there, start, projectors(there), place) == 0


def test_partition_locks_are_a_courtesy_without_them_two_at_once_do_no_harm(
    there: World, start: Programs
) -> None:
    assert a_zombie_wakes_up(there, start, projectors(there, owned=False)) == 0


@pytest.mark.parametrize("owned", [True, False], ids=["with locks", "without locks"])
def test_sabotage_without_the_compare_and_set_a_zombie_counts_twice(
    there: World, start: Programs, owned: bool
) -> None:
    with pytest.raises(AssertionError, match="the profile is not the plain fold of the log"):
        a_zombie_wakes_up(there, start, projectors(there, guarded=False, owned=owned))
