"""Given a store that fills without pause, whatever dies, freezes or comes back, then whoever reads
what is committed on the topic finds each event once, in order and as stored."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from tests.e2e.processes import data_folder
from tests.faults.relay_program import RelayPlace
from tests.faults.relays import RelayProcess, Scene, scene
from tests.faults.test_postgres import USUAL, PostgresToKill
from tests.feeding import until
from tests.kafka.broker import Broker

KILLS = 20
PLACES: list[RelayPlace | None] = [
    "relay.read",
    None,  # at a moment that nobody chose
    "relay.begun",
    "relay.half",
    None,
    "relay.sent",
    "relay.flushed",
    None,
    "relay.committed",
]
NewDatabase = Callable[[str], str]


@pytest.fixture
def there(
    kafka: str, new_topic: Callable[[str], str], new_database: NewDatabase, tmp_path: Path
) -> Iterator[Scene]:
    with scene(new_database, tmp_path, kafka, new_topic("killed"), seed=20_261_125) as made:
        yield made


@pytest.fixture
def shaky(
    broker: Broker, new_topic: Callable[[str], str], new_database: NewDatabase, tmp_path: Path
) -> Iterator[Scene]:
    with scene(new_database, tmp_path, broker.address, new_topic("shaky"), seed=7) as made:
        yield made


def test_twenty_kills_of_the_relay_under_load(there: Scene) -> None:
    fates = [PLACES[turn % len(PLACES)] for turn in range(KILLS)]
    orders = [
        replace(there.orders, places=(fate,), nth=there.chance.randrange(1, 4))
        if fate
        else there.orders
        for fate in fates
    ]
    active = there.start(orders[0])
    with there.load():
        for turn in range(KILLS):
            settle_in(active)
            heir = there.start(orders[turn + 1] if turn + 1 < KILLS else there.orders)
            if fates[turn] is None:
                run_on(there, active, there.chance.randrange(1, 200))
                active.kill()
            else:
                active.dies()
            active = heir
        until(active.active, "the last one has taken over")
    there.settled(active)
    assert active.stop() == 0
    events = there.check()
    print(f"{KILLS} kills, {events} events")  # noqa: T201
    assert events > 500


def settle_in(relay: RelayProcess) -> None:
    """Until it relays, or has died of its orders on the way."""
    until(lambda: relay.active() or not relay.alive, "it takes over", 60)


def run_on(there: Scene, relay: RelayProcess, events: int) -> None:
    """Until it has relayed so many more events."""
    settle_in(relay)
    goal = there.head() + events
    until(lambda: relay.position() >= goal, "it goes on", 60)


def a_zombie_wakes_up(there: Scene, place: RelayPlace, *, fenced: bool = True) -> None:
    """A relay freezes with a batch in hand, another takes over, and the first one wakes up."""
    orders = replace(there.orders, fenced=fenced)
    zombie = there.start(replace(orders, places=(place,), then="stops", nth=3))
    with there.load():
        zombie.stopped(place)
        there.cut_locks()
        heir = there.start(orders)
        run_on(there, heir, 100)
        zombie.go_on()
        # It has tried to write, and is told; or it has written, and stands by for want of a lock.
        until(lambda: zombie.now()["state"] == "standby", "the zombie lets go", 60)
        run_on(there, heir, 100)
    there.settled(heir)
    assert (zombie.stop(), heir.stop()) == (0, 0)
    assert there.check() > 200


@pytest.mark.parametrize(
    "place", ["relay.read", "relay.begun", "relay.half", "relay.sent", "relay.committed"]
)
def test_a_zombie_writes_nothing(there: Scene, place: RelayPlace) -> None:
    a_zombie_wakes_up(there, place)


def test_sabotage_without_the_fence_a_zombies_batch_is_there_twice(there: Scene) -> None:
    with pytest.raises(AssertionError, match="is 2 times there"):
        a_zombie_wakes_up(there, "relay.read", fenced=False)


def test_a_relay_that_froze_gives_way_by_itself(there: Scene) -> None:
    orders = replace(there.orders, silent_seconds_max=1.0)
    frozen = there.start(replace(orders, places=("relay.sent",), then="stops", nth=2))
    with there.load():
        frozen.stopped("relay.sent")
        heir = there.start(orders)
        run_on(there, heir, 50)
        frozen.go_on()
        until(lambda: frozen.now()["state"] == "standby", "it lets go", 60)
    there.settled(heir)
    assert there.check() > 50


def test_a_broker_that_is_killed_and_paused_under_load(shaky: Scene, broker: Broker) -> None:
    relay = shaky.start(shaky.orders)
    with shaky.load():
        for turn in range(4):
            run_on(shaky, relay, shaky.chance.randrange(1, 100))
            if turn % 2:
                broker.pause()
                until(lambda: relay.now()["error"] is not None, "the relay notices", 60)
                broker.resume()
            else:
                broker.kill()
                broker.start()
        run_on(shaky, relay, 50)
    shaky.settled(relay)
    assert relay.stop() == 0
    assert shaky.check() > 100


def test_a_store_that_is_killed_under_load(
    kafka: str, new_topic: Callable[[str], str], tmp_path: Path
) -> None:
    with data_folder() as data, ExitStack() as stack:
        postgres = PostgresToKill(stack, data, USUAL)
        there = stack.enter_context(
            scene(postgres.server.url, tmp_path, kafka, new_topic("store"), seed=11)
        )
        relay = there.start(there.orders)
        with there.load():
            run_on(there, relay, there.chance.randrange(1, 100))
            postgres.kill()
            postgres.start_again()
            run_on(there, relay, 50)
        there.settled(relay)
        assert relay.stop() == 0
        assert there.check() > 50


def a_broker_dies_in_mid_batch(shaky: Scene, broker: Broker, *, checked: bool = True) -> None:
    """Some records have arrived; the others run out of time before it is back for the commit."""
    places: tuple[RelayPlace, ...] = ("relay.half", "relay.flushed")
    relay = shaky.start(replace(shaky.orders, places=places, then="stops", checked=checked))
    for _ in range(20):
        shaky.append()
    relay.stopped("relay.half")
    broker.kill()
    relay.go_on()
    relay.stopped("relay.flushed")
    broker.start()
    relay.go_on()
    shaky.append()
    shaky.settled(relay)
    assert relay.stop() == 0
    shaky.check()


def test_records_that_ran_out_of_time_are_sent_again(shaky: Scene, broker: Broker) -> None:
    a_broker_dies_in_mid_batch(shaky, broker)


def test_sabotage_without_the_look_at_futures_they_are_lost(shaky: Scene, broker: Broker) -> None:
    # It goes on, or its next batch fails and the saved position tells it: they are lost anyway.
    with pytest.raises(AssertionError, match="is 0 times there"):
        a_broker_dies_in_mid_batch(shaky, broker, checked=False)
