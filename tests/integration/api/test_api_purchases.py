"""Given a customer's purchases, when they are asked for, then they come newest first with their
lines, a page at a time."""

from tests.serving import Served, complaint, money, purchase, unique

DAYS = [f"2026-04-0{day}T12:00:00+02:00" for day in range(1, 6)]


def test_pages_hold_every_purchase_once_newest_first(served: Served) -> None:
    who = unique("crm:")
    for day in DAYS:
        served.post(purchase(who, time=day))
    token = served.token(complaint(who))
    path = f"/v1/customers/{who}/purchases"
    first = served.get(path, limit=3, at_least=token)
    second = served.get(path, limit=3, cursor=first["cursor"])
    found = [row["business_day"] for row in (*first["data"], *second["data"])]
    assert found == [day[:10] for day in reversed(DAYS)]
    assert (len(first["data"]), second["cursor"]) == (3, None)


def test_a_purchase_comes_with_its_lines_and_their_discounts(served: Served) -> None:
    who = unique("crm:")
    off = {"kind": "loyalty", "amount": money("1.00"), "funded_by": "seller", "in_net": True}
    line = {"no": 1, "product": "P", "category": "tea", "quantity": "2", "unit": "piece"}
    lines = [line | {"net": money("9.00"), "discounts": [off]}]
    event = purchase(who, "9.00", data={"lines": lines, "location": "12"})
    token = served.token(event)
    (bought,) = served.get(f"/v1/customers/{who}/purchases", at_least=token)["data"]
    assert (bought["net"], bought["currency"], bought["location"]) == ("9.00", "EUR", "12")
    (told,) = bought["lines"]
    assert (told["product"], told["quantity"], told["net"]) == ("P", "2", "9.00")
    assert told["discounts"][0]["kind"] == "loyalty"


def test_a_customer_without_purchases_has_an_empty_list(served: Served) -> None:
    who = unique("crm:")
    token = served.token(complaint(who))
    answer = served.get(f"/v1/customers/{who}/purchases", at_least=token)
    assert (answer["data"], answer["cursor"]) == ([], None)
    assert answer["freshness"]["state"] == "fresh"
