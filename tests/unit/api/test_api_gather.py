"""Many ask, one statement answers, and everybody gets his own answer."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import pytest

from api.gather import ASKED_MAX, GATHERED_MAX, STATEMENTS_AT_ONCE, Gatherer
from api.lanes import Lane
from schemas.errors import Broken, Unavailable

SECONDS_MAX = 20
DAMAGED, OUT_OF_REACH = -1, -2


def run(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(asyncio.wait_for(test(), SECONDS_MAX))


class Statements:
    """Answers ten times the key; stands still while `gate` is closed, and notes what is asked."""

    def __init__(self) -> None:
        self.asked: list[list[int]] = []
        self.gate = threading.Event()
        self.gate.set()

    def __call__(self, keys: Sequence[int]) -> list[int]:
        self.asked.append(list(keys))
        assert self.gate.wait(SECONDS_MAX)
        if DAMAGED in keys:
            raise Broken("a damaged row")
        if OUT_OF_REACH in keys:
            raise Unavailable("not now")
        return [key * 10 for key in keys]


def gatherer(statements: Statements) -> Gatherer[int, int]:
    return Gatherer(statements, Lane("read", 4, 100))


def test_everybody_gets_his_own_answer() -> None:
    async def test() -> None:
        own = gatherer(Statements())
        answers = await asyncio.gather(*(own.get(n % 7) for n in range(500)))
        assert answers == [n % 7 * 10 for n in range(500)]

    run(test)


def test_what_is_asked_meanwhile_goes_together_into_the_next_statement() -> None:
    async def test() -> None:
        statements = Statements()
        own = gatherer(statements)
        statements.gate.clear()
        asked = [asyncio.create_task(own.get(n)) for n in range(2)]
        while sum(map(len, statements.asked)) < 2:
            await asyncio.sleep(0)
        asked += [asyncio.create_task(own.get(n)) for n in range(2, 300)]
        await asyncio.sleep(0)
        statements.gate.set()
        await asyncio.gather(*asked)

        assert sorted(len(keys) for keys in statements.asked)[-1] == GATHERED_MAX
        assert len(statements.asked) <= 2 + STATEMENTS_AT_ONCE

    run(test)


def test_one_damaged_key_fails_alone() -> None:
    async def test() -> None:
        own = gatherer(Statements())
        keys = [12, DAMAGED, 15, DAMAGED]
        answers = await asyncio.gather(*(own.get(k) for k in keys), return_exceptions=True)
        assert [answers[0], answers[2]] == [120, 150]
        assert isinstance(answers[1], Broken)
        assert isinstance(answers[3], Broken)

    run(test)


def test_when_nothing_can_be_reached_everybody_is_told_without_trying_each() -> None:
    async def test() -> None:
        statements = Statements()
        own = gatherer(statements)
        answers = await asyncio.gather(
            *(own.get(k) for k in (OUT_OF_REACH, 1, 2)), return_exceptions=True
        )
        assert all(isinstance(answer, Unavailable) for answer in answers)
        assert len(statements.asked) == 1
        assert await own.get(3) == 30

    run(test)


def test_whoever_goes_away_takes_nobody_along() -> None:
    async def test() -> None:
        statements = Statements()
        own = gatherer(statements)
        statements.gate.clear()
        going, staying = asyncio.create_task(own.get(1)), asyncio.create_task(own.get(2))
        while not statements.asked:
            await asyncio.sleep(0)
        going.cancel()
        statements.gate.set()

        assert await staying == 20
        with pytest.raises(asyncio.CancelledError):
            await going
        assert await own.get(4) == 40

    run(test)


def test_too_many_are_turned_away() -> None:
    async def test() -> None:
        statements = Statements()
        own = gatherer(statements)
        statements.gate.clear()
        asked = [asyncio.create_task(own.get(1)) for _ in range(ASKED_MAX)]
        await asyncio.sleep(0)
        with pytest.raises(Unavailable):
            await own.get(1)
        statements.gate.set()
        assert set(await asyncio.gather(*asked)) == {10}

    run(test)


def test_a_lane_that_is_full_turns_away_and_takes_again() -> None:
    async def test() -> None:
        lane, gate = Lane("write", 1, 1), threading.Event()
        inside = [asyncio.create_task(lane.run(gate.wait, SECONDS_MAX)) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(Unavailable):
            await lane.run(gate.wait)
        gate.set()
        assert await asyncio.gather(*inside) == [True, True]
        assert await lane.run(gate.wait) is True

    run(test)


class Held(Lane):
    """Lets the test say when each statement is answered."""

    def __init__(self) -> None:
        super().__init__("read", 1, 1)
        self.answers: list[asyncio.Future[None]] = []

    async def run(self, call: Callable[..., Any], *arguments: object) -> Any:
        self.answers.append(asyncio.get_running_loop().create_future())
        await self.answers[-1]
        return call(*arguments)

    async def holds(self, statements: int) -> None:
        """Wait until so many statements have begun."""
        while len(self.answers) < statements:
            await asyncio.sleep(0)


def test_whoever_asks_just_as_the_last_worker_ends_is_answered() -> None:
    async def test() -> None:
        lane = Held()
        own = Gatherer(Statements(), lane)

        async def ask(*keys: int) -> list[int]:
            return [await own.get(key) for key in keys]

        first = asyncio.create_task(ask(1, 2))
        await lane.holds(1)
        second = asyncio.create_task(ask(3))
        await lane.holds(STATEMENTS_AT_ONCE)
        # Both workers end in one step of the loop, and the first client asks again in the next.
        for answer in lane.answers:
            answer.set_result(None)
        await lane.holds(STATEMENTS_AT_ONCE + 1)
        lane.answers[-1].set_result(None)
        assert (await first, await second) == ([10, 20], [30])

    run(test)
