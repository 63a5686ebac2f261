"""A purchase adds up: revenue by day comes from its net, revenue by category from its lines."""

from typing import Any

import pytest

from schemas.errors import Invalid
from schemas.trade import PurchaseMade
from tests.unit.schemas_contract.examples import LINE, SMALLEST, money, parsed


def purchase(*lines: dict[str, Any], net: dict[str, str]) -> PurchaseMade:
    event = parsed("purchase.made", {"channel": "store", "lines": [*lines], "net": net})
    assert isinstance(event, PurchaseMade)
    return event


def line(no: int, amount: str, currency: str = "EUR") -> dict[str, Any]:
    return LINE | {"no": no, "net": money(amount, currency)}


def test_net_is_the_sum_of_the_lines_net() -> None:
    event = purchase(line(1, "3.98"), line(2, "-1.00"), line(3, "0"), net=money("2.980"))
    assert len(event.lines) == 3


def test_sums_are_exact_where_binary_floats_are_not() -> None:
    assert purchase(*(line(no, "0.1") for no in range(10)), net=money("1.0"))


def test_a_purchase_without_lines_states_its_net_alone() -> None:
    assert not purchase(net=money("12.50")).lines


def test_a_net_that_is_not_the_sum_is_refused() -> None:
    with pytest.raises(Invalid, match="net is the sum of the lines' net"):
        purchase(line(1, "3.98"), net=money("3.97"))


def test_two_currencies_are_never_added() -> None:
    with pytest.raises(Invalid, match="in the currency of the purchase's net"):
        purchase(line(1, "1"), line(2, "1", "USD"), net=money("2"))
    with pytest.raises(Invalid, match="in the currency of the purchase's net"):
        purchase(line(1, "1"), net=money("1", "USD"))


def test_two_lines_of_one_number_are_refused() -> None:
    with pytest.raises(Invalid, match="two lines have the same no"):
        purchase(line(1, "1"), line(1, "1"), net=money("2"))


def test_the_wires_register_is_the_till() -> None:
    event = parsed("purchase.made", SMALLEST["purchase.made"] | {"register": "7"})
    assert isinstance(event, PurchaseMade)
    assert event.till == "7"
    assert event.model_dump(mode="json", exclude_none=True)["register"] == "7"


def test_an_event_cannot_be_changed() -> None:
    event = purchase(net=money("1"))
    with pytest.raises(ValueError, match="frozen"):
        event.channel = "web"  # type: ignore[misc]
