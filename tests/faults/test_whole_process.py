"""Given a channel that sends without pause, when the whole process is killed again and again, then
nothing that was acknowledged is lost, nothing is there twice, and the views are right."""

from dataclasses import replace
from typing import get_args

from tests.faults.checks import World, check_everything
from tests.faults.load import Client
from tests.faults.orders import Place
from tests.faults.running import Programs

KILLS = 20
HITS_MIN = 15
ANSWERS_MAX = 120
CHOSEN: list[Place] = [p for p in get_args(Place) if not p.endswith((".between", ".apart"))]


def killed_somewhere(there: World, start: Programs, client: Client, turn: int) -> None:
    """A process that takes events and keeps the views, and dies while it does."""
    if turn % 2:  # at a moment nobody chose
        program = start(there.orders)
        client.drive(program, client.chance.randrange(1, ANSWERS_MAX), drain=False)
        program.kill()
        return
    place = CHOSEN[turn // 2 % len(CHOSEN)]
    program = start(replace(there.orders, place=place, nth=client.chance.randrange(1, 5)))
    client.drive(program)
    program.dies()


def test_twenty_kills_of_the_whole_process_under_load_lose_nothing_and_double_nothing(
    there: World, start: Programs
) -> None:
    client = Client(seed=20_260_301)
    hits = 0
    for turn in range(KILLS):
        killed_somewhere(there, start, client, turn)
        without_answer = there.recorded(client.unanswered)
        hits += bool(without_answer) or there.unmoved(client.acknowledged)
    last = start(there.orders)
    assert client.repeat(last, list(client.sent))
    check_everything(there, client)
    assert last.stop() == 0
    assert client.repeats > KILLS
    print(f"{hits} of {KILLS} kills hit an unanswered append or an unmoved checkpoint")  # noqa: T201
    assert hits >= HITS_MIN, f"only {hits} of {KILLS} kills hit anything"
