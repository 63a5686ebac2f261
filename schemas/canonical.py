"""Canonical JSON (RFC 8785), so that equal contents have equal fingerprints.

The wire contract knows no floats (decimals are strings), whole numbers keep to 53 bits and object
keys are the contract's own ASCII names; within that, sorted compact JSON *is* RFC 8785. A property
test holds it against a library that implements the whole standard.
"""

from typing import Any

import orjson

from schemas.errors import Invalid, Malformed

_OPTIONS = orjson.OPT_SORT_KEYS | orjson.OPT_STRICT_INTEGER


def canonical(value: Any) -> bytes:
    """The canonical bytes of JSON-like data without floats.

    Raises Invalid for what JSON cannot carry exactly.
    """
    try:
        return orjson.dumps(value, option=_OPTIONS)
    except orjson.JSONEncodeError:
        raise Invalid("holds a value that JSON cannot carry exactly", field="data") from None


def parsed(body: bytes | str) -> Any:
    """JSON from outside; raises Malformed, and never tells what stood there."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        raise Malformed("the body is not JSON in UTF-8") from None
