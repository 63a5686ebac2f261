"""Given events, then what the profile, the purchases and the timeline say."""

from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal
from typing import Any

from projections.profile import Profile, erase, fold, keys
from projections.purchases import PURCHASES, count_by_category, count_by_day
from projections.sealed import without_tokens
from schemas.envelope import Event
from tests.recorded import T0, complaint, erased, numbered, purchase, recorded, registered


def profile(*events: Event) -> Profile:
    row: Profile | None = None
    for event in numbered(events):
        for _ in keys(event):
            row = fold(row and erase(row) if event.type == "subject.erased" else row, event)
    assert row is not None
    return row


def bought(event: Event) -> Any:
    return PURCHASES.fold(None, event)


def line(no: int, net: str, category: str, discounts: Iterable[dict[str, Any]] = ()) -> Any:
    money = {"amount": net, "currency": "EUR"}
    goods = {"product": "p1", "category": category, "quantity": "1", "unit": "piece"}
    return {"no": no, **goods, "net": money, "discounts": list(discounts)}


def discount(kind: str, amount: str, *, in_net: bool = True, currency: str = "EUR") -> Any:
    money = {"amount": amount, "currency": currency}
    return {"kind": kind, "amount": money, "in_net": in_net}


def test_contacts_are_counted_by_channel_and_type() -> None:
    row = profile(complaint("ann"), complaint("ann"), purchase("ann"))
    assert row.contacts == {"voice": {"complaint.made": 2}, "web": {"purchase.made": 1}}
    assert (row.purchases, row.complaints) == (1, 2)


def test_first_is_the_earliest_and_last_the_latest_by_time_then_by_position() -> None:
    late = complaint("ann")._replace(occurred_at=T0 + timedelta(hours=1))
    row = profile(late, purchase("ann"), complaint("ann", channel="chat"))
    assert (row.first_contact_at, row.last_contact_at) == (T0, T0 + timedelta(hours=1))
    assert (row.last_channel, row.last_contact_position) == ("voice", 1)
    assert profile(complaint("ann"), purchase("ann")).last_channel == "web"


def test_the_latest_registration_counts_whatever_order_they_come_in() -> None:
    older = registered("ann", party="household")._replace(occurred_at=T0 - timedelta(days=1))
    assert profile(registered("ann"), older).who == registered("ann").data
    assert profile(older, registered("ann")).who == registered("ann").data


def test_tests_and_training_neither_count_nor_name() -> None:
    row = profile(
        recorded("ann", "subject.opened", {"kind": "crm", "identifier": "~1.x"}, traffic="test"),
        complaint("ann")._replace(traffic="test"),
        registered("ann")._replace(traffic="training"),
    )
    assert (row.kind, row.identifier) == ("crm", "~1.x")
    assert (row.contacts, row.complaints, row.who) == ({}, 0, None)


def test_nets_are_summed_per_currency_and_never_across_ways_of_taxing() -> None:
    row = profile(
        purchase("ann", "1.10", tax_included=True),
        purchase("ann", "2.2", tax_included=True),
        purchase("ann", "4.00", tax_included=False),
        purchase("ann", "8.00"),
    )
    assert row.spent == {"EUR": {"true": "3.30", "false": "4.00", "unknown": "8.00"}}


def test_discounts_are_measured_by_kind_and_never_subtracted() -> None:
    lines = [
        line(1, "10.00", "food", [discount("loyalty", "1.00"), discount("tier", "0.25")]),
        line(2, "5.00", "food", [discount("coupon", "2.00", in_net=False)]),
    ]
    event = purchase("ann", "15.00", lines=lines)
    row = profile(event)
    assert row.discounts == {"EUR": {"loyalty": "1.00", "tier": "0.25", "coupon": "2.00"}}
    assert row.spent == {"EUR": {"unknown": "15.00"}}
    ((_, measures),) = count_by_day(bought(event)).items()
    money = [Decimal(amount) for amount in ("15.00", "1.00", "2.00", "0", "0.25", "2.00")]
    assert measures == [1, 2, *money]


def test_a_discount_in_another_currency_is_counted_under_that_currency() -> None:
    foreign = [discount("match", "3.00", currency="USD")]
    counts = count_by_day(bought(purchase("ann", "1", lines=[line(1, "1", "food", foreign)])))
    by_currency = {where[2]: measures for where, measures in counts.items()}
    assert by_currency["EUR"][:3] == [1, 1, Decimal(1)]
    assert by_currency["USD"][:3] == [0, 0, Decimal()]
    assert by_currency["USD"][5] == Decimal("3.00")


def test_lines_count_under_their_category() -> None:
    lines = [line(1, "1.00", "food"), line(2, "2.00", "toys"), line(3, "-0.50", "food")]
    counts = count_by_category(bought(purchase("ann", "2.50", lines=lines)))
    assert {where[2]: sums for where, sums in counts.items()} == {
        "food": [2, Decimal("0.50")],
        "toys": [1, Decimal("2.00")],
    }


def test_an_erased_profile_keeps_what_happened_and_says_when() -> None:
    opened = recorded("ann", "subject.opened", {"kind": "phone", "identifier": "~1.+32"})
    row = profile(opened, registered("ann", points=[]), purchase("ann"), erased("ann"))
    assert (row.kind, row.identifier, row.erased_at) == ("phone", None, T0)
    assert row.who == {"party": "person", "relationship": "customer"}
    assert row.spent == {"EUR": {"unknown": "10.00"}}


def test_a_contact_points_subject_goes_with_its_value() -> None:
    data = {"points": [{"kind": "phone", "value": {"value": "~1.a", "subject": "s_b"}}], "n": 1}
    assert without_tokens(data) == {
        "points": [{"kind": "phone", "value": {"value": None, "subject": None}}],
        "n": 1,
    }
    nothing = {"a": [1, {"b": "c"}]}
    assert without_tokens(nothing) is nothing
