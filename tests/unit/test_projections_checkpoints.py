"""Given a checkpoint and a batch, then what is new, and where the checkpoint stands behind it."""

import pytest

from projections.change import Change
from projections.checkpoints import DIGEST_MODULUS, Checkpoint, Gap, LostPartition, advance
from projections.holding import fold
from projections.view import Kind, View
from schemas.envelope import Event
from tests.counting import COUNTING, TALLIES, Tally
from tests.recorded import complaint, erased, numbered, purchase, registered

LOG = numbered([complaint("ann"), complaint("ann"), complaint("ann")])
P = LOG[0].partition
START = {P: Checkpoint(P, epoch=1)}


def test_the_digest_is_the_same_in_whatever_batches_the_events_come() -> None:
    _, at_once = advance(LOG, START)
    _, first = advance(LOG[:1], START)
    _, then = advance(LOG[1:], first)
    assert then == at_once
    assert at_once[P].digest == sum(event.event_id.int for event in LOG) % DIGEST_MODULUS
    assert (at_once[P].sequence, at_once[P].position) == (3, 3)


def test_an_event_twice_in_one_batch_is_taken_once() -> None:
    new, moved = advance([LOG[0], LOG[0], LOG[1], LOG[0]], START)
    assert new == LOG[:2]
    assert moved[P].sequence == 2


def test_nothing_new_moves_nothing_but_a_hint() -> None:
    _, known = advance(LOG, START)
    assert advance(LOG, known) == ([], {})
    assert advance(LOG, known, {P: "offset 9"})[1][P].hint == "offset 9"


def test_a_jump_is_a_gap_and_a_stranger_a_lost_partition() -> None:
    with pytest.raises(Gap):
        advance(LOG[1:], START)
    with pytest.raises(LostPartition):
        advance(LOG, {P + 1: Checkpoint(P + 1, epoch=1)})


def test_holds_are_the_same_in_whatever_batches_the_events_come() -> None:
    log = numbered(
        [complaint("ann"), purchase("ann", channel="broken"), complaint("ann"), complaint("bob")]
    )
    at_once = fold(Change(COUNTING), log)
    change = Change(COUNTING)
    held = fold(change, log[:2])
    assert fold(change, log[2:], held) == at_once
    (hold,) = at_once.values()
    assert (hold.event_id, hold.events) == (log[1].event_id, 2)


def test_a_subject_that_cannot_even_be_erased_leaves_no_row() -> None:
    def fails(row: Tally) -> Tally | None:
        raise RuntimeError(row.subject)

    kind = Kind(TALLIES.table, Tally, TALLIES.keys, TALLIES.fold, fails, TALLIES.rollups)
    change = Change(View("counting", 1, (kind,)))
    log: list[Event] = numbered([registered("ann"), erased("ann"), complaint("bob")])
    holds = fold(change, log)
    assert [hold.event_id for hold in holds.values()] == [log[1].event_id]
    assert [row.name for row in change.kinds[0].made()] == [None]
    assert len(change.kinds[0].totals(TALLIES.rollups[0])) == 1
