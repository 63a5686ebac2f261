"""A batch grows while rounds are quick, shrinks when they are slow, and never passes its limit."""

from consumers.pace import BATCH_EVENTS_FIRST, BATCH_EVENTS_MIN, ROUND_SECONDS_WANTED, Pace

QUICK, SLOW = ROUND_SECONDS_WANTED / 10, ROUND_SECONDS_WANTED * 10


def test_quick_full_rounds_double_it_up_to_the_limit() -> None:
    pace = Pace(BATCH_EVENTS_FIRST * 3)
    for wanted in (BATCH_EVENTS_FIRST * 2, BATCH_EVENTS_FIRST * 3, BATCH_EVENTS_FIRST * 3):
        pace.took(pace.events, QUICK)
        assert pace.events == wanted


def test_slow_rounds_halve_it_down_to_a_smallest_batch() -> None:
    pace = Pace(BATCH_EVENTS_FIRST)
    for _ in range(10):
        pace.took(pace.events, SLOW)
    assert pace.events == BATCH_EVENTS_MIN
    pace.took(pace.events, QUICK)
    assert pace.events == 2 * BATCH_EVENTS_MIN


def test_a_round_that_is_neither_leaves_it() -> None:
    pace = Pace(BATCH_EVENTS_FIRST * 2)
    pace.took(pace.events, ROUND_SECONDS_WANTED)
    assert pace.events == BATCH_EVENTS_FIRST


def test_at_the_head_and_after_a_fault_it_begins_anew() -> None:
    pace = Pace(BATCH_EVENTS_FIRST * 4)
    pace.took(pace.events, QUICK)
    pace.took(1, QUICK)
    assert pace.events == BATCH_EVENTS_FIRST
    pace.took(pace.events, QUICK)
    pace.failed()
    assert pace.events == BATCH_EVENTS_FIRST


def test_a_limit_below_the_first_batch_holds_from_the_start() -> None:
    pace = Pace(50)
    pace.took(50, QUICK)
    assert pace.events == 50
    pace.took(50, SLOW)
    assert pace.events == 50
