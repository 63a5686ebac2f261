"""Small files in the shape of the Complete Journey, made up, and a write side in memory."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

import duckdb

from importers import complete_journey
from importers.items import Damaged, Importable
from importers.summary import Result
from schemas.canonical import canonical
from schemas.cloudevents import from_json
from schemas.errors import Refused
from schemas.references import Door
from schemas.registry import Registry

TRANSACTIONS = {
    "household_id": "BIGINT",
    "store_id": "BIGINT",
    "basket_id": "BIGINT",
    "product_id": "BIGINT",
    "quantity": "BIGINT",
    "sales_value": "DOUBLE",
    "retail_disc": "DOUBLE",
    "coupon_disc": "DOUBLE",
    "coupon_match_disc": "DOUBLE",
    "week": "BIGINT",
    "transaction_timestamp": "TIMESTAMP",
}
PRODUCTS = {
    "product_id": "BIGINT",
    "department": "VARCHAR",
    "brand": "VARCHAR",
    "product_category": "VARCHAR",
}


def line(**changed: Any) -> dict[str, Any]:
    """One transaction line; what is not said is ordinary."""
    ordinary = {
        "household_id": 7,
        "store_id": 12,
        "basket_id": 500,
        "product_id": 31,
        "quantity": 1,
        "sales_value": 2.5,
        "retail_disc": 0.0,
        "coupon_disc": 0.0,
        "coupon_match_disc": 0.0,
        "week": 1,
        "transaction_timestamp": datetime(2017, 6, 1, 16, 0, 0),
    }
    return ordinary | changed


def folder_of(
    folder: Path, lines: Iterable[Mapping[str, Any]], types: Mapping[str, str] | None = None
) -> Path:
    """The two files of the set in a folder; `types` are those of columns that hold other things."""
    folder.mkdir(exist_ok=True)
    write(folder / "transactions.parquet", {**TRANSACTIONS, **(types or {})}, lines)
    write(
        folder / "products.parquet",
        PRODUCTS,
        [
            dict(zip(PRODUCTS, values, strict=True))
            for values in (
                (31, "DAIRY", "Private", "MILK"),
                (32, "DAIRY", "National", "CHEESE"),
                (33, "MISC", "National", None),
            )
        ],
    )
    return folder


def write(file: Path, types: Mapping[str, str], rows: Iterable[Mapping[str, Any]]) -> None:
    """One parquet file."""
    with duckdb.connect() as connection:
        cells = ", ".join(f'"{name}" {kind}' for name, kind in types.items())
        connection.execute(f"CREATE TABLE t ({cells})")
        for row in rows:
            marks = ", ".join("?" for _ in types)
            connection.execute(f"INSERT INTO t VALUES ({marks})", [row[name] for name in types])
        connection.table("t").write_parquet(str(file))


def items(path: Path, households: int | None = None) -> list[Importable | Damaged]:
    """All that a path yields."""
    with complete_journey.source(path, households) as source:
        found = list(source)
        assert len(found) == source.total
        return found


def events(path: Path) -> list[dict[str, Any]]:
    """The events of a path without damage."""
    found = items(path)
    assert all(isinstance(item, Importable) for item in found)
    return [item.event for item in found if isinstance(item, Importable)]


class Derived:
    """Ids that are derived without a ring."""

    def event_id(self, source: str, channel_id: str) -> UUID:
        return uuid5(NAMESPACE_URL, f"{source} {channel_id}")

    def document(self, kind: str, source: str, number: str) -> UUID:
        return uuid5(NAMESPACE_URL, f"{kind} {source} {number}")


@dataclass(frozen=True)
class Answer:
    outcome: Result
    field: str | None = None
    reason: str | None = None


@dataclass
class Memory:
    """Takes events as the store would: parsed by the contract, and each id once."""

    known: dict[tuple[str, str], bytes] = field(default_factory=dict)
    batches: list[int] = field(default_factory=list)
    registry: Registry = field(default_factory=Registry)

    def submit(self, batch: Sequence[dict[str, Any]]) -> list[Answer]:
        self.batches.append(len(batch))
        return [self._one(event) for event in batch]

    def _one(self, event: dict[str, Any]) -> Answer:
        try:
            reported = from_json(event)
            door = Door(reported.source, "US", Derived())
            self.registry.parse(reported.type, reported.version, reported.data, door)
        except Refused as refusal:
            return Answer("rejected", refusal.field, refusal.reason)
        content = canonical(event)
        stored = self.known.setdefault((reported.source, reported.channel_id), content)
        if stored is content:
            return Answer("accepted")
        if stored == content:
            return Answer("duplicate")
        return Answer("conflict", "id", "already stands for another content")
