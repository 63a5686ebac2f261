"""Given a log that grows without pause, when the projector is killed again and again, then a
standby takes its partitions over, and the views hold what the log says."""

from dataclasses import replace

from tests.faults.checks import World, check_everything
from tests.faults.load import Client
from tests.faults.orders import Orders, Place
from tests.faults.running import Programs, Running
from tests.feeding import until

KILLS = 20
HITS_MIN = 15
ANSWERS_MAX = 80
CHOSEN: list[Place] = ["project.polled", "project.inside", "project.after"]


def some_fate(there: World, client: Client, turn: int) -> Orders:
    """A projector that dies at a chosen place, or at a moment nobody chose."""
    alone = replace(there.orders, door=False)
    if turn % 2:
        return alone
    place = CHOSEN[turn // 2 % len(CHOSEN)]
    return replace(alone, place=place, nth=client.chance.randrange(1, 6))


def settle_in(program: Running) -> None:
    """Until it has all partitions, or has died of its orders on the way."""
    until(lambda: program.owns() or not program.alive, "it takes the partitions over", 60)


def killed(program: Running, orders: Orders, client: Client, door: Running) -> None:
    """Send until it has died, by its orders or by us."""
    if orders.place is None:
        client.drive(door, client.chance.randrange(1, ANSWERS_MAX), drain=False)
        program.kill()
    else:
        client.drive(door, over=lambda: not program.alive)
        program.dies()


def test_twenty_kills_of_a_projector_under_load_leave_the_views_as_the_log_says(
    there: World, start: Programs
) -> None:
    client = Client(seed=20_260_302)
    door = start(replace(there.orders, projects=()))
    fates = [some_fate(there, client, turn) for turn in range(KILLS)]
    fates.append(replace(there.orders, door=False))
    active, hits = start(fates[0]), 0
    for turn in range(KILLS):
        settle_in(active)
        standby = start(fates[turn + 1])
        killed(active, fates[turn], client, door)
        hits += there.unmoved(client.acknowledged)
        active = standby
    assert client.repeat(door, list(client.sent)[-200:])
    check_everything(there, client)
    assert active.owns()
    assert (door.stop(), active.stop()) == (0, 0)
    print(f"{hits} of {KILLS} kills met a checkpoint that had yet to move")  # noqa: T201
    assert hits >= HITS_MIN, f"only {hits} of {KILLS} kills met a checkpoint that had yet to move"
