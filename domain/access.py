"""Who may do what: one pure function that denies by default."""

from dataclasses import dataclass
from typing import Literal

Action = Literal[
    "events:write",
    "events:read",
    "customers:write",
    "customers:read",
    "customers:erase",
    "sales:read",
    "personal:identity",
    "personal:content",
    "operations:read",
]


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks. Until access keys exist there is one, the operator of this machine."""

    name: str
    local: bool = False

    @property
    def actor(self) -> str:
        """As the envelope names him."""
        return f"principal:{self.name}"


LOCAL = Principal("local", local=True)


def may(principal: Principal | None, action: Action, resource: str | None = None) -> bool:
    """Whether `principal` may do `action` (to `resource`, a subject, where it concerns one).

    The server listens on loopback only, so that the local principal is whoever sits there.
    """
    del action, resource
    return principal is not None and principal.local
