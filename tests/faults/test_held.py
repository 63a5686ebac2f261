"""Given an event that a fold cannot apply, when the projector is killed at it too, then that
subject alone waits, in order, and nothing is skipped."""

from collections import Counter, defaultdict
from dataclasses import replace
from decimal import Decimal

import pytest

from consumers import held
from schemas.envelope import Event
from tests.counting import tallies
from tests.faults.checks import World, rows
from tests.faults.load import Client
from tests.faults.running import Programs
from tests.faults.views import MENDED

ANN, BOB = "crm:ann", "crm:bob"


def a_fold_fails(there: World, start: Programs, view: str) -> tuple[str, str]:
    """Ann complains, buys what cannot be folded, and complains again; Bob just complains."""
    client = Client(seed=4)
    door = start(replace(there.orders, projects=()))
    broken = client.event("purchase.made", ANN)
    broken["data"]["channel"] = "broken"
    complaints = [client.event("complaint.made", who) for who in (ANN, BOB, ANN, BOB)]
    assert client.send(door, *complaints[:2], broken, *complaints[2:])
    orders = replace(there.orders, door=False, projects=(view,))
    doomed = start(replace(orders, place="project.inside"))
    doomed.dies()
    start(orders)
    there.settled("counting")
    ann, bob = (client.receipts[one["id"]][0].partition("/")[0] for one in complaints[:2])
    return ann, bob


def check_counting(there: World, log: list[Event]) -> None:
    """Every event counts in the end."""
    complaints = Counter(e.subject for e in log if e.type == "complaint.made")
    spent: dict[str, Decimal] = defaultdict(Decimal)
    for event in log:
        if event.type == "purchase.made":
            spent[event.subject] += Decimal(event.data["net"]["amount"])
    found = {r["subject"]: (r["complaints"], r["spent"]) for r in rows(there, tallies)}
    wanted = {subject: (complaints[subject], spent[subject]) for subject in complaints}
    assert found == wanted, "an event that could not be folded was passed over"


def test_that_subject_waits_in_order_and_everybody_else_moves(
    there: World, start: Programs
) -> None:
    ann, bob = a_fold_fails(there, start, "counting")
    counted = {row["subject"]: row["complaints"] for row in rows(there, tallies)}
    assert counted == {ann: 1, bob: 2}
    (one,) = held.listed(there.engine, "counting")
    assert (one.hold.subject, one.hold.events) == (ann, 2)
    assert held.retry_all(there.engine, there.history, [MENDED]) == {"counting": []}
    check_counting(there, there.log())


def test_sabotage_passed_over_instead_of_held_it_never_counts(
    there: World, start: Programs
) -> None:
    a_fold_fails(there, start, "passing over")
    held.retry_all(there.engine, there.history, [MENDED])
    with pytest.raises(AssertionError, match="could not be folded was passed over"):
        check_counting(there, there.log())
