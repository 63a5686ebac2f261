"""Reading one's own write: `at_least=<token>`, and `Prefer: wait=<seconds>` (RFC 7240)."""

import re
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Header, Query

from api.reading import Freshness
from api.waiting import Waited, Waiting
from projections.view import View
from schemas.receipts import Token

WAIT_SECONDS = 2.0
_WAIT = re.compile(r"wait=(\d{1,4}(?:\.\d{1,3})?)")


@dataclass(frozen=True, slots=True)
class Wish:
    """What a caller asked of freshness."""

    token: Token | None
    seconds: float

    async def wait(self, waiting: Waiting, view: View, seconds_max: float) -> Waited | None:
        """Wait as asked, bounded; None where nothing was asked. Raises OtherEpoch."""
        if self.token is None:
            return None
        return await waiting.wait(view.name, self.token, min(self.seconds, seconds_max))


def wish(
    at_least: Annotated[
        str | None, Query(description="a receipt's token: wait until the view has read it")
    ] = None,
    prefer: Annotated[str | None, Header(description="wait=<seconds>, 2 unless said")] = None,
) -> Wish:
    """The caller's wish, from query and header."""
    asked = _WAIT.search(prefer) if prefer else None
    token = Token.parse(at_least) if at_least else None
    return Wish(token, float(asked[1]) if asked else WAIT_SECONDS)


def fresh_body(data: Any, freshness: Freshness, waited: Waited | None) -> dict[str, Any]:
    """`{data, freshness}`; a token that was not reached in time is never called fresh."""
    body = freshness.body()
    if waited is not None and not waited.reached:
        body["state"] = "pending" if body["state"] == "fresh" else body["state"]
        body["waited_seconds"] = round(waited.seconds, 3)
    return {"data": data, "freshness": body}
