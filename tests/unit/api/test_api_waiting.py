"""Waiting for a token: bounded, shared, and never longer than needed."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from api.consistency import Waited, fresh_body, wait_seconds
from api.reading import Freshness
from api.waiting import Looks, Waiting
from schemas.errors import OtherEpoch, Unavailable
from schemas.receipts import Token

EPOCH = 7
SECONDS_MAX = 20


def run(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(asyncio.wait_for(test(), SECONDS_MAX))


class Looking:
    """What a look sees, and how often somebody looked."""

    def __init__(self) -> None:
        self.seen: dict[str, dict[int, int]] = {"profile": {0: 1}}
        self.looks = 0
        self.looked = threading.Event()
        self.fault: Exception | None = None

    def __call__(self) -> Looks:
        self.looks += 1
        self.looked.set()
        if self.fault is not None:
            raise self.fault
        return self.seen


def token(**sequences: int) -> Token:
    return Token(EPOCH, {int(name[1:]): sequence for name, sequence in sequences.items()})


def test_what_is_there_already_is_not_waited_for() -> None:
    async def test() -> None:
        waiting = Waiting(Looking(), EPOCH)
        assert await waiting.wait("profile", token(p0=1), SECONDS_MAX) < SECONDS_MAX / 2
        assert await waiting.wait("nowhere", token(), SECONDS_MAX) == 0

    run(test)


def test_a_wait_ends_when_the_view_has_arrived() -> None:
    async def test() -> None:
        looking = Looking()
        waiting = Waiting(looking, EPOCH)
        asked = asyncio.create_task(waiting.wait("profile", token(p0=2), SECONDS_MAX))
        await asyncio.to_thread(looking.looked.wait)
        looking.seen = {"profile": {0: 2}}
        waiting.nudge()
        assert await asked < SECONDS_MAX / 2

    run(test)


def test_a_wait_ends_after_its_time() -> None:
    async def test() -> None:
        waiting = Waiting(Looking(), EPOCH)
        for seconds in (0, 0.1):
            assert seconds <= await waiting.wait("profile", token(p0=9), seconds) < SECONDS_MAX / 2

    run(test)


def test_many_waiters_share_one_look() -> None:
    async def test() -> None:
        looking, others = Looking(), asyncio.all_tasks()
        waiting = Waiting(looking, EPOCH)
        await asyncio.gather(*(waiting.wait("profile", token(p0=9), 0.3) for _ in range(200)))
        assert looking.looks < 20
        while asyncio.all_tasks() - others:
            # Until nobody looks any more, because nobody waits.
            await asyncio.sleep(0)

    run(test)


def test_a_look_that_fails_is_told_to_everybody_and_the_next_one_is_tried() -> None:
    async def test() -> None:
        looking = Looking()
        waiting = Waiting(looking, EPOCH)
        looking.fault = Unavailable("not now")
        answers = await asyncio.gather(
            *(waiting.wait("profile", token(p0=1), 5) for _ in range(3)), return_exceptions=True
        )
        assert all(isinstance(answer, Unavailable) for answer in answers)
        looking.fault = None
        await waiting.wait("profile", token(p0=1), 5)

    run(test)


def test_whoever_goes_away_does_not_end_another_ones_wait() -> None:
    async def test() -> None:
        looking = Looking()
        waiting = Waiting(looking, EPOCH)
        going = asyncio.create_task(waiting.wait("profile", token(p0=2), SECONDS_MAX))
        staying = asyncio.create_task(waiting.wait("profile", token(p0=2), SECONDS_MAX))
        await asyncio.to_thread(looking.looked.wait)
        going.cancel()
        looking.seen = {"profile": {0: 2}}
        assert await staying < SECONDS_MAX / 2
        with pytest.raises(asyncio.CancelledError):
            await going

    run(test)


def test_a_token_of_another_epoch_is_refused_at_once() -> None:
    async def test() -> None:
        with pytest.raises(OtherEpoch):
            await Waiting(Looking(), EPOCH).wait("profile", Token(EPOCH - 1, {}), SECONDS_MAX)

    run(test)


def test_a_nudge_before_anybody_waits_does_no_harm() -> None:
    Waiting(Looking(), EPOCH).nudge()


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ([], 2),
        (["wait=5"], 5),
        (["Wait = 0.25"], 0.25),
        (['respond-async, wait="7"; because=slow'], 7),
        (["return=minimal", "wait=3, wait=4"], 3),
        (["wait=0"], 0),
        (["nowait=9"], 2),
        (["wait=12345"], 2),
        (["wait=-1"], 2),
        (["wait=soon, wait"], 2),
        (["wait=٣"], 2),
    ],
)
def test_forms_of_prefer(headers: list[str], seconds: float) -> None:
    assert wait_seconds(headers) == seconds


@pytest.mark.parametrize(
    ("own", "reached", "told"),
    [
        ("fresh", 5, "fresh"),
        ("fresh", 4, "pending"),
        ("held", 4, "held"),
        ("stopped", 4, "stopped"),
        ("pending", 5, "pending"),
    ],
)
def test_old_data_is_never_called_fresh(own: Any, reached: int, told: str) -> None:
    waited = Waited(token(p0=5), 2.0)

    body = fresh_body([], Freshness(own, {0: reached}, 0.0), waited)["freshness"]

    assert body["state"] == told
    assert ("waited_seconds" in body) == (reached < 5)
