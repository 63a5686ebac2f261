"""What a route needs, declared on the route."""

from collections.abc import Awaitable, Callable

from fastapi import Request

from domain.access import LOCAL, Action, Principal, may
from schemas.errors import Forbidden

NEEDS = "__needs__"
"""Marks the dependency that declares what a route needs; a test asks every route for it."""


def allow(action: Action) -> Callable[[Request], Awaitable[Principal]]:
    """A dependency that lets those pass who may do `action`, and gives the principal.

    Until access keys exist everybody who reaches the loopback address is the local operator.
    """

    # `async`, here and in every dependency: the framework sends others through a pool of threads,
    # where health would wait behind whatever fills it.
    async def needed(request: Request) -> Principal:
        principal = getattr(request.state, "principal", LOCAL)
        if not isinstance(principal, Principal) or not may(principal, action):
            raise Forbidden(f"{action} is not allowed")
        return principal

    setattr(needed, NEEDS, action)
    return needed


async def anybody() -> None:
    """A dependency that declares that a route needs nothing: health, metrics, the contract."""


setattr(anybody, NEEDS, "nothing")
