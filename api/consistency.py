"""Reading one's own write: `at_least=<token>`, and `Prefer: wait=<seconds>` (RFC 7240)."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Header, Query

from api.parts import Parts
from api.reading import Freshness
from api.waiting import covers
from projections.view import View
from schemas.receipts import Token

WAIT_SECONDS = 2.0
_WAIT = re.compile(
    r'\s*wait\s*=\s*"?(\d{1,4}(?:\.\d{1,3})?)"?\s*(?:;.*)?', re.ASCII | re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Waited:
    """What was waited for, of the partitions that the answer is about, and for how long."""

    token: Token
    seconds: float


@dataclass(frozen=True, slots=True)
class Wish:
    """What a caller asked of freshness."""

    token: Token | None
    seconds: float

    async def wait(self, parts: Parts, view: View, subject: str | None = None) -> Waited | None:
        """Wait as asked, bounded; None where nothing was asked. Raises OtherEpoch.

        Only the partition of `subject` counts, None for all of them: a batch's token names
        everybody's, and the answer about one customer need not wait for the others'.
        """
        token = self.token
        if token is None:
            return None
        if subject is not None:
            own = parts.reader.partitions([subject])
            token = Token(token.epoch, {p: s for p, s in token.sequences.items() if p in own})
        seconds_max = min(self.seconds, parts.limits.wait_seconds_max)
        seconds = await parts.waiting.wait(view.name, token, seconds_max)
        parts.reader.heard(token)
        return Waited(token, seconds)


async def wish(
    at_least: Annotated[
        str | None, Query(description="a receipt's token: wait until the view has read it")
    ] = None,
    prefer: Annotated[list[str] | None, Header(description="wait=<seconds>, 2 unless said")] = None,
) -> Wish:
    """The caller's wish, from query and header."""
    return Wish(Token.parse(at_least) if at_least else None, wait_seconds(prefer or ()))


def wait_seconds(preferences: Iterable[str]) -> float:
    """The `wait` of Prefer headers; the first counts, and what cannot be read is ignored, both as
    RFC 7240 says."""
    for preference in ",".join(preferences).split(","):
        if found := _WAIT.fullmatch(preference):
            return float(found[1])
    return WAIT_SECONDS


def fresh_body(data: Any, freshness: Freshness, waited: Waited | None) -> dict[str, Any]:
    """`{data, freshness}`; a token that the rows do not cover is never called fresh.

    What the rows say of themselves decides, not what the wait saw: a reader may still follow an
    older generation than the one that was looked at.
    """
    body = freshness.body()
    if waited is not None and not covers(freshness.sequences, waited.token):
        body["state"] = "pending" if body["state"] == "fresh" else body["state"]
        body["waited_seconds"] = round(waited.seconds, 3)
    return {"data": data, "freshness": body}
