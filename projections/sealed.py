"""Sealed values in rows: views keep them as they came, and an erasure takes them out."""

from typing import Any

from schemas.personal import is_token


def without_tokens(value: Any) -> Any:
    """JSON-like data with null in place of every sealed token.

    Where a contact point's value goes, the point's subject goes too: it would still say whose the
    point was. Returns the same object where there is nothing to take out.
    """
    if isinstance(value, dict):
        out = {name: without_tokens(inner) for name, inner in value.items()}
        if is_token(value.get("value")) and "subject" in out:
            out["subject"] = None
        return value if all(out[name] is value[name] for name in value) else out
    if isinstance(value, list):
        items = [without_tokens(inner) for inner in value]
        return value if all(a is b for a, b in zip(items, value, strict=True)) else items
    return None if is_token(value) else value
