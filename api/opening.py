"""Opened at the glass: sealed values become readable in the answer to somebody who may, and nowhere
before."""

from collections.abc import Collection, Sequence
from typing import Any

from domain.access import Principal, may
from schemas.personal import MARK, Erased, Opener, is_token
from store.keys import Keys


class Glass:
    """Opens the sealed values of an answer."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys

    def opened(
        self, principal: Principal, subjects: Collection[str], value: Any
    ) -> tuple[Any, list[str]]:
        """JSON-like data with its values open, erased ones null; and the places that were masked.

        A principal who may not open personal values gets null for each. Raises Unavailable when
        keys cannot be reached, Tampered for a value that belongs to none of `subjects`.
        """
        tokens = _tokens(value)
        if not tokens:
            return value, []
        if may(principal, "personal:identity") and may(principal, "personal:content"):
            return _with_open(value, self._keys.opener(subjects, tokens)), []
        masked: list[str] = []
        return _masked(value, (), masked), masked

    def opened_each(
        self, principal: Principal, bodies: Sequence[tuple[Collection[str], dict[str, Any]]]
    ) -> list[dict[str, Any]]:
        """Each of (whose it is, body) as `opened` does; `masked` in a body names the places.

        All keys come in one round trip.
        """
        self._keys.opener((), _tokens([body for _, body in bodies]))
        out = []
        for subjects, body in bodies:
            opened, masked = self.opened(principal, subjects, body)
            out.append(opened | {"masked": masked} if masked else opened)
        return out


def _tokens(value: Any) -> list[str]:
    """All tokens in JSON-like data."""
    found: list[str] = []
    # A list of what is still to be looked at: half the time of a recursion.
    rest = [value]
    while rest:
        one = rest.pop()
        if isinstance(one, str):
            if one.startswith(MARK):
                found.append(one)
        elif isinstance(one, dict):
            rest.extend(one.values())
        elif isinstance(one, list | tuple):
            rest.extend(one)
    return found


def _with_open(value: Any, opener: Opener) -> Any:
    if isinstance(value, dict):
        return {name: _with_open(inner, opener) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_with_open(inner, opener) for inner in value]
    if not is_token(value):
        return value
    opened = opener.open(value)
    return None if isinstance(opened, Erased) else opened


def _masked(value: Any, path: tuple[str, ...], masked: list[str]) -> Any:
    if isinstance(value, dict):
        return {name: _masked(inner, (*path, name), masked) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_masked(inner, (*path, str(i)), masked) for i, inner in enumerate(value)]
    if not is_token(value):
        return value
    masked.append(".".join(path))
    return None
