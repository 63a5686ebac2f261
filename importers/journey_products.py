"""The Complete Journey's products: what stands behind a line's number."""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from importers.cells import Unreadable, code_number
from importers.items import Damaged, Fault
from importers.tables import FAULT, ROW, Tables

COLUMNS = ("product_id", "department", "brand", "product_category")
UNKNOWN = "unknown"


class Product(NamedTuple):
    """A product as at the time of the set; a missing category is `unknown`."""

    category: str = UNKNOWN
    department: str | None = None
    brand: str | None = None


@dataclass(frozen=True, slots=True)
class Products:
    """All products by number, and the rows of their table that could not be taken."""

    by_number: dict[int, Product]
    ambiguous: frozenset[int]
    """Numbers that stand twice, with different values: their lines cannot be told apart."""
    damaged: tuple[Damaged, ...]

    @staticmethod
    def read(found: Tables, file: Path) -> "Products":
        """The products of an attached file."""
        by_number: dict[int, Product] = {}
        known: dict[Product, Product] = {}  # 92,331 products share 574 descriptions
        ambiguous: set[int] = set()
        damaged: list[Damaged] = []
        query = f"SELECT {ROW}, {FAULT}, {', '.join(COLUMNS)} FROM products"
        for row, fault, product_id, department, brand, category in found.rows(file, query):
            try:
                number = code_number(product_id)
                if fault is not None:
                    raise Unreadable(fault)
            except Unreadable as refusal:
                field = "product_id" if fault is None else None
                damaged.append(Damaged(file.name, (Fault(row, field, str(refusal)),), ()))
                continue
            product = Product(_name(category) or UNKNOWN, _name(department), _name(brand))
            product = known.setdefault(product, product)
            if by_number.setdefault(number, product) != product:
                ambiguous.add(number)
        return Products(by_number, frozenset(ambiguous), tuple(damaged))


def _name(value: object) -> str | None:
    return str(value).strip() or None if value is not None else None
