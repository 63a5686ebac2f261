"""Shapes of answers: receipts, and data with how fresh it is."""

from decimal import Decimal
from typing import Any

import orjson
from fastapi import Response

from schemas.receipts import Receipt


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, tuple | set | frozenset):
        return list(value)
    raise TypeError(type(value).__name__)


def answer(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A JSON answer; decimals as strings, times in RFC 3339."""
    return Response(
        orjson.dumps(body, default=_plain), status, headers=headers, media_type="application/json"
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
