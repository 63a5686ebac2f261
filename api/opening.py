"""Opened at the glass: sealed values become readable in the answer to somebody who may, and nowhere
before."""

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from domain.access import Principal, may
from schemas.personal import Erased, Opener, is_token
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
        if may(principal, "personal:identity") and may(principal, "personal:content"):
            opener = self._keys.opener(subjects, _tokens(value))
            return _with_open(value, opener), []
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


def _tokens(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for inner in value.values():
            yield from _tokens(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _tokens(inner)
    elif is_token(value):
        yield value


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
