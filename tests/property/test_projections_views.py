"""Any redelivery, batching and interleaving of any history gives the plainly computed tables."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from functools import reduce
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from projections import holding
from projections.change import Change
from projections.checkpoints import Checkpoint, advance
from projections.customers import add, customer_of
from projections.profile import PROFILE, Profile, profiles
from projections.purchases import PURCHASES, by_category, by_day
from projections.registry import VIEWS
from projections.timeline import TIMELINE
from projections.view import ERASED, Key, Kind, Rollup, View
from schemas.envelope import Event
from schemas.registry import EVENTS
from tests import plain
from tests.histories import deliveries, histories
from tests.recorded import PARTITIONS

Totals = dict[tuple[Any, ...], dict[str, Any]]


class Memory:
    """A view's tables as dicts, taken over batch by batch like the writer's."""

    def __init__(self, view: View) -> None:
        self.view = view
        self.rows: dict[Kind[Any], dict[Key, Any]] = {kind: {} for kind in view.kinds}
        self.totals: dict[str, Totals] = {
            rollup.table.name: {} for kind in view.kinds for rollup in kind.rollups
        }
        self.checkpoints = {p: Checkpoint(p, 1) for p in range(PARTITIONS)}

    def apply(self, batch: Iterable[Event]) -> None:
        events, moved = advance(batch, self.checkpoints)
        change = Change(self.view, {kind: self._touched(kind, events) for kind in self.view.kinds})
        assert not holding.fold(change, events)
        for rows in change.kinds:
            for row in (*rows.made(), *rows.altered()):
                self.rows[rows.kind][rows.kind.key_of()(row)] = row
            for key in rows.gone():
                del self.rows[rows.kind][key]
            for rollup in rows.kind.rollups:
                self._add(rollup, rows.totals(rollup))
        self.checkpoints |= moved

    def _touched(self, kind: Kind[Any], events: list[Event]) -> list[Any]:
        erased = {event.subject for event in events if event.type == ERASED}
        keys = set() if kind.once else {key for event in events for key in kind.keys(event)}
        return [row for key, row in self.rows[kind].items() if key in keys or key[0] in erased]

    def _add(self, rollup: Rollup[Any], records: list[tuple[Any, ...]]) -> None:
        table = self.totals[rollup.table.name]
        width = len(list(rollup.table.primary_key))
        for record in records:
            sums = table.setdefault(record[:width], dict.fromkeys(rollup.measures, Decimal()))
            for name, gain in zip(rollup.measures, record[width:], strict=True):
                sums[name] += gain
            if not sums["rows"]:
                assert not any(sums.values())
                del table[record[:width]]


def in_memory(view: View, batches: list[list[Event]]) -> Memory:
    memory = Memory(view)
    for batch in batches:
        memory.apply(batch)
    return memory


def numbers(table: Mapping[str, Mapping[str, str]]) -> dict[str, dict[str, Decimal]]:
    return {a: {b: Decimal(amount) for b, amount in inner.items()} for a, inner in table.items()}


def comparable(row: Profile) -> dict[str, Any]:
    """A profile row as the plain computation states it."""
    values = dict(zip(profiles.columns.keys(), row, strict=True))
    for left_out in ("subject", "partition", "who_at", "who_position", "last_contact_position"):
        del values[left_out]
    return values | {"spent": numbers(row.spent), "discounts": numbers(row.discounts)}


def nonzero(totals: Totals) -> Totals:
    return {
        where: {name: value for name, value in sums.items() if value}
        for where, sums in totals.items()
    }


@given(st.data())
@settings(max_examples=150)
def test_profiles_are_as_plainly_computed_however_the_log_is_delivered(data: st.DataObject) -> None:
    log = data.draw(histories())
    memory = in_memory(PROFILE, data.draw(deliveries(log)))
    rows = memory.rows[PROFILE.kinds[0]].values()
    assert {row.subject: comparable(row) for row in rows} == plain.profiles(log)
    assert sum(c.sequence for c in memory.checkpoints.values()) == len(log)


@given(st.data())
@settings(max_examples=150)
def test_revenue_is_the_plain_sum_however_the_log_is_delivered(data: st.DataObject) -> None:
    log = data.draw(histories())
    memory = in_memory(PROFILE, data.draw(deliveries(log)))
    found = memory.totals[by_day.name]
    assert nonzero(found) == nonzero(plain.revenue_by_day(log))
    found = memory.totals[by_category.name]
    assert nonzero(found) == nonzero(plain.revenue_by_category(log))


@given(st.data())
@settings(max_examples=150)
def test_the_timeline_holds_every_event_however_the_log_is_delivered(data: st.DataObject) -> None:
    log = data.draw(histories())
    memory = in_memory(TIMELINE, data.draw(deliveries(log)))
    rows = memory.rows[TIMELINE.kinds[0]].items()
    assert {key: (row.type, row.data) for key, row in rows} == plain.timeline(log)


@given(st.data())
@settings(max_examples=150)
def test_two_deliveries_of_one_log_end_in_the_same_rows(data: st.DataObject) -> None:
    log = data.draw(histories())
    for view in VIEWS:
        one = in_memory(view, data.draw(deliveries(log)))
        other = in_memory(view, [log])
        assert one.rows == other.rows
        assert one.totals == other.totals
        assert one.checkpoints == other.checkpoints


@given(histories())
@settings(max_examples=150)
def test_no_sealed_value_of_an_erased_subject_stays_in_any_view(log: list[Event]) -> None:
    at = {event.subject: event.position for event in log if event.type == ERASED}
    before = [event for event in log if event.position <= at.get(event.subject, 0)]
    for view in VIEWS:
        change = Change(view)
        for event in before:
            change.apply(event)
        for rows in change.kinds:
            assert "~1." not in repr(list(rows.made()))


@given(histories(), st.data())
@settings(max_examples=80)
def test_a_customer_is_the_sum_of_his_subjects_in_any_order(
    log: list[Event], data: st.DataObject
) -> None:
    rows = list(in_memory(PROFILE, [log]).rows[PROFILE.kinds[0]].values())
    parts = [customer_of(row) for row in data.draw(st.permutations(rows))]
    if not parts:
        return
    before = list(parts)
    whole = reduce(add, parts)
    assert whole == reduce(lambda sum_, part: add(part, sum_), map(customer_of, rows))
    assert parts == before  # what was added up is untouched, so that unlinking is exact
    as_one = plain.profile(log)
    assert as_one is not None
    assert (whole.last_contact and whole.last_contact[0]) == as_one["last_contact_at"]
    for name in ("first_contact_at", "contacts", "purchases", "purchase_lines", "spent"):
        assert getattr(whole, name) == as_one[name]
    for name in ("discounts", "last_purchase_at", "complaints", "last_complaint_at"):
        assert getattr(whole, name) == as_one[name]


@given(histories())
@settings(max_examples=150)
def test_taking_every_row_away_again_leaves_exactly_nothing(log: list[Event]) -> None:
    made = Change(PROFILE)
    for event in log:
        made.apply(event)
    taken = Change(PROFILE, {rows.kind: list(rows.made()) for rows in made.kinds})
    for subject in {event.subject for event in log}:
        taken.forget(subject)
    for rollup in PURCHASES.rollups:
        width = len(list(rollup.table.primary_key))
        plus = {t[:width]: t[width:] for t in made.kinds[1].totals(rollup)}
        minus = {t[:width]: t[width:] for t in taken.kinds[1].totals(rollup)}
        assert minus == {where: tuple(-m for m in sums) for where, sums in plus.items()}


def test_the_histories_hold_every_registered_type() -> None:
    seen: set[str] = set()

    @given(histories())
    @settings(max_examples=50, database=None)
    def look(log: list[Event]) -> None:
        seen.update(event.type for event in log)

    look()
    assert seen == {event.TYPE for event in EVENTS}
