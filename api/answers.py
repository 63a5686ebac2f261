"""Shapes of answers: receipts, and data with how fresh it is."""

from decimal import Decimal
from typing import Any

import orjson
from fastapi import Response

from schemas.receipts import Receipt

_CENT = Decimal("0.01")


def plain(value: Any) -> Any:
    """What JSON has no word for: decimals as strings, sets and tuples as lists."""
    if isinstance(value, Decimal):
        return amount_text(value)
    if isinstance(value, tuple | set | frozenset):
        return list(value)
    raise TypeError(type(value).__name__)


def amount_text(amount: Decimal) -> str:
    """An amount as people write it: two digits behind the point, more only where they say
    something (the database keeps four)."""
    cents = amount.quantize(_CENT)
    return f"{cents if cents == amount else amount.normalize():f}"


def answer(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A JSON answer; decimals as strings, times in RFC 3339. No cache keeps it: there may be
    somebody's name in it."""
    return Response(
        orjson.dumps(body, default=plain),
        status,
        headers={"Cache-Control": "no-store", **(headers or {})},
        media_type="application/json",
    )


def receipt_body(receipt: Receipt) -> dict[str, Any]:
    """A receipt on the wire; of an erased subject nothing is told but that."""
    if receipt.erased:
        return {"duplicate": True, "erased": True}
    return {
        "stream": receipt.stream,
        "version": receipt.version,
        "event_ids": [str(event_id) for event_id in receipt.event_ids],
        "duplicate": receipt.duplicate,
        "token": receipt.token.text() if receipt.token else None,
    }


def receipt_answer(receipt: Receipt) -> Response:
    """201 for what is new, 200 for what was there; the stream's version as ETag."""
    headers = {"ETag": f'"{receipt.version}"'} if receipt.version is not None else None
    return answer(receipt_body(receipt), 200 if receipt.duplicate else 201, headers)
