"""Given rows and events, then rows and totals."""

from decimal import Decimal

import pytest

from projections.change import Change
from projections.view import Kind, Unfoldable, View
from schemas.envelope import Event
from schemas.errors import Broken
from tests.counting import COUNTING, SEEN, TALLIES, Tally, by_name
from tests.recorded import complaint, erased, numbered, purchase, registered, subject

TOTALS = TALLIES.rollups[0]


def after(*events: Event, before: tuple[Tally, ...] = ()) -> Change:
    change = Change(COUNTING, {TALLIES: before})
    for event in numbered(events):
        change.apply(event)
    return change


def test_a_new_row_is_made_and_counts_once() -> None:
    tallies, seen = after(complaint("ann"), purchase("ann", "4.50")).kinds
    partition = complaint("ann").partition
    assert list(tallies.made()) == [Tally(subject("ann"), partition, 1, Decimal("4.50"), None)]
    assert tallies.totals(TOTALS) == [(partition, "nameless", 1, 1, Decimal("4.50"))]
    assert [row.type for row in seen.made()] == ["complaint.made", "purchase.made"]


def test_a_row_that_counts_elsewhere_now_is_taken_from_where_it_counted() -> None:
    known = Tally(subject("ann"), 1, 2, Decimal(3), None)
    tallies, _ = after(registered("ann"), before=(known,)).kinds
    assert list(tallies.altered()) == [known._replace(name="~1.ann")]
    assert not list(tallies.made())
    assert sorted(tallies.totals(TOTALS)) == [
        (1, "named", 1, 2, Decimal(3)),
        (1, "nameless", -1, -2, Decimal(-3)),
    ]


def test_a_change_that_evens_out_adds_nothing_to_the_totals() -> None:
    known = Tally(subject("ann"), 1, 2, Decimal(3), "~1.ann")
    tallies, _ = after(purchase("ann", "1.00"), purchase("ann", "-1.00"), before=(known,)).kinds
    assert tallies.totals(TOTALS) == []


def test_an_erasure_keeps_what_happened_and_takes_what_is_personal() -> None:
    tallies, seen = after(registered("ann"), purchase("ann", "2.00"), erased("ann")).kinds
    assert [(row.name, row.spent) for row in tallies.made()] == [(None, Decimal("2.00"))]
    assert [row.type for row in seen.made()][-1] == "subject.erased"


def test_a_row_that_an_erasure_leaves_nothing_of_goes_with_its_count() -> None:
    kind = Kind(by_subject := TALLIES.table, Tally, TALLIES.keys, _gone, TALLIES.erase, (TOTALS,))
    assert by_subject is TALLIES.table
    known = Tally(subject("ann"), 1, 2, Decimal(), "~1.ann")
    change = Change(View("counting", 1, (kind,)), {kind: (known,)})
    change.apply(erased("ann"))
    (rows,) = change.kinds
    assert list(rows.gone()) == [(subject("ann"),)]
    assert rows.totals(TOTALS) == [(1, "named", -1, -2, Decimal())]


def _gone(row: Tally | None, _event: Event) -> Tally | None:
    return row


def test_a_fold_that_fails_names_event_and_subject_and_changes_nothing() -> None:
    change = after(complaint("ann"))
    fault = purchase("ann", channel="broken")
    with pytest.raises(Unfoldable) as caught:
        change.apply(fault)
    assert (caught.value.event_id, caught.value.subject) == (fault.event_id, subject("ann"))
    assert caught.value.cause.startswith("KeyError at counting.py:")
    assert "must never be stored" not in str(caught.value) + caught.value.cause
    tallies, seen = change.kinds
    assert [row.complaints for row in tallies.made()] == [1]
    assert len(list(seen.made())) == 1


def test_an_event_that_reaches_for_another_subjects_row_cannot_be_folded() -> None:
    def keys(_event: Event) -> list[tuple[str]]:
        return [(subject("bob"),)]

    kind = Kind(TALLIES.table, Tally, keys, TALLIES.fold, TALLIES.erase)
    with pytest.raises(Unfoldable):
        Change(View("counting", 1, (kind,))).apply(complaint("ann"))


def test_what_is_forgotten_and_folded_again_is_the_same() -> None:
    events = numbered([complaint("ann"), purchase("ann"), complaint("bob")])
    change = Change(COUNTING)
    for event in events:
        change.apply(event)
    once = {row.subject: row for row in change.kinds[0].made()}
    change.forget(subject("ann"))
    assert [row.subject for row in change.kinds[0].made()] == [subject("bob")]
    for event in events[:2]:
        change.apply(event)
    assert {row.subject: row for row in change.kinds[0].made()} == once
    assert len(list(change.kinds[1].made())) == 3


def test_a_kind_whose_fields_are_not_its_columns_is_refused_at_the_start() -> None:
    with pytest.raises(Broken):
        Kind(by_name, Tally, TALLIES.keys, TALLIES.fold, TALLIES.erase)
    with pytest.raises(Broken):
        Kind(SEEN.table, Tally, TALLIES.keys, TALLIES.fold, TALLIES.erase)
