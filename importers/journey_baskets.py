"""One basket of the Complete Journey: its rows as a `purchase.made`, or what is wrong with them."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from operator import attrgetter
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from importers.cells import Unreadable, cents, code_number, quantity, utc_moment
from importers.items import Damaged, Fault, Importable, Row
from importers.journey_products import Product, Products

SOURCE = "complete-journey"
CURRENCY = "USD"
STORES_ZONE = ZoneInfo("America/New_York")

_NOT_LISTED = Product()


class Places(NamedTuple):
    """Where a file has the columns that are read; the fields are the columns' names."""

    household_id: int
    store_id: int
    basket_id: int
    product_id: int
    quantity: int
    sales_value: int
    retail_disc: int
    coupon_disc: int
    coupon_match_disc: int
    transaction_timestamp: int

    @classmethod
    def among(cls, columns: Sequence[str]) -> "Places":
        """The places among a file's columns."""
        return cls(*map(columns.index, cls._fields))


class _Line(NamedTuple):
    """A row as it was read; amounts in cents, the time as the store's clock showed it."""

    household_id: int
    store_id: int
    basket_id: int
    product_id: int
    quantity: str
    sales_value: int
    retail_disc: int
    coupon_disc: int
    coupon_match_disc: int
    transaction_timestamp: str
    row: Row


def basket(
    file: str, places: Places, products: Products, rows: Sequence[Row]
) -> Importable | Damaged:
    """The purchase that all of a basket's rows make, or the faults that stand against it."""
    lines: list[_Line] = []
    faults: list[Fault] = []
    for row in rows:
        try:
            lines.append(_line(row, places))
        except Unreadable:
            faults.append(_fault(row, places))
    # One fault is told once: rows that are compared with a damaged one would all seem to differ.
    if faults := faults or _contradictions(lines, products):
        return Damaged(file, tuple(faults), tuple(rows))
    lines.sort(key=attrgetter("product_id"))
    return Importable(_event(lines, products), tuple(line.row for line in lines))


def _event(lines: Sequence[_Line], products: Products) -> dict[str, Any]:
    first = lines[0]
    net = sum(line.sales_value for line in lines)
    return {
        "specversion": "1.0",
        # A natural key, so that the same basket is found again in whatever file it comes.
        "id": f"basket:{first.basket_id}",
        "source": SOURCE,
        "type": "purchase.made",
        "subject": f"household:{first.household_id}",
        "time": first.transaction_timestamp,
        "data": {
            "channel": "in_person",
            "location": str(first.store_id),
            "lines": [_data(no, line, products) for no, line in enumerate(lines, 1)],
            "net": _money(net),
            "paid": _money(net - sum(line.coupon_disc for line in lines)),
        },
    }


def _data(no: int, line: _Line, products: Products) -> dict[str, Any]:
    product = products.by_number.get(line.product_id, _NOT_LISTED)
    data = {
        "no": no,
        "product": str(line.product_id),
        "category": product.category,
        "department": product.department,
        "brand": product.brand,
        "quantity": line.quantity,
        "unit": "unknown",
        "list": _money(line.sales_value + line.retail_disc + line.coupon_match_disc),
        "net": _money(line.sales_value),
        "discounts": [
            {"kind": kind, "amount": _money(amount), "funded_by": funded_by, "in_net": in_net}
            for kind, amount, funded_by, in_net in (
                ("loyalty", line.retail_disc, "seller", True),
                ("coupon", line.coupon_disc, "manufacturer", False),
                ("match", line.coupon_match_disc, "seller", True),
            )
            if amount
        ],
    }
    return {name: value for name, value in data.items() if value is not None and value != []}


def _money(amount: int) -> dict[str, str]:
    whole, part = divmod(abs(amount), 100)
    return {"amount": f"{'-' * (amount < 0)}{whole}.{part:02}", "currency": CURRENCY}


def _discount(value: Any) -> int:
    amount = cents(value)
    if amount < 0:
        raise Unreadable("is below zero")
    return amount


@lru_cache(maxsize=1_024)
def _stores_time(value: Any) -> str:
    try:
        return utc_moment(value).astimezone(STORES_ZONE).isoformat()
    except OverflowError:
        raise Unreadable("is no time that exists") from None


_READERS: tuple[Callable[[Any], Any], ...] = (
    *(code_number, code_number, code_number, code_number),
    *(quantity, cents, _discount, _discount, _discount, _stores_time),
)


def _line(row: Row, places: Places) -> _Line:
    if row.fault is not None:
        raise Unreadable(row.fault)
    values = row.values
    cells = [read(values[place]) for read, place in zip(_READERS, places, strict=True)]
    return _Line._make([*cells, row])


def _fault(row: Row, places: Places) -> Fault:
    """Which cell of a row could not be read: looked for only once one was not."""
    if row.fault is not None:
        return Fault(row.number, None, row.fault)
    for name, read, place in zip(Places._fields, _READERS, places, strict=True):
        try:
            read(row.values[place])
        except Unreadable as refusal:
            return Fault(row.number, name, str(refusal))
    raise AssertionError("a row without a fault")


def _contradictions(lines: Sequence[_Line], products: Products) -> list[Fault]:
    faults = []
    seen: set[int] = set()
    shared = ("household_id", "store_id", "transaction_timestamp")
    for line in lines:
        for name in shared:
            if getattr(line, name) != getattr(lines[0], name):
                faults.append(Fault(line.row.number, name, "differs within the basket"))
        if line.product_id in seen:
            faults.append(Fault(line.row.number, "product_id", "stands twice in the basket"))
        elif line.product_id in products.ambiguous:
            faults.append(Fault(line.row.number, "product_id", "is described in two ways"))
        seen.add(line.product_id)
    return faults
