"""Appends that wait to be written, and which of them go into the next group together."""

import queue
from collections import deque
from collections.abc import Iterable
from concurrent.futures import Future
from dataclasses import dataclass, field
from uuid import UUID

from schemas.errors import BackboneError, Unavailable
from schemas.identifiers import is_house
from schemas.receipts import Receipt
from store.drafts import Append, Who

GROUP_EVENTS_MAX = 1_000


@dataclass(eq=False)
class Request:
    """One append on its way, and where its answer goes."""

    append: Append
    answer: "Future[Receipt]" = field(default_factory=Future)
    ids: frozenset[UUID] = field(init=False)

    def __post_init__(self) -> None:
        self.ids = frozenset(draft.event_id for draft in self.append.drafts)

    def who(self) -> Iterable[Who]:
        """Everybody whose subject must be settled: owners, and contact points that are named."""
        for draft in self.append.drafts:
            if not (isinstance(draft.who, str) and is_house(draft.who)):
                yield draft.who
            yield from draft.points.values()

    def succeed(self, receipt: Receipt) -> None:
        """Answer with a receipt."""
        if not self.answer.done():
            self.answer.set_result(receipt)

    def fail(self, error: BackboneError) -> None:
        """Answer with a refusal or failure."""
        if not self.answer.done():
            self.answer.set_exception(error)


class WaitingLine:
    """Requests in order of arrival; `put` from any thread, `take` from the appender's."""

    def __init__(self, requests_max: int) -> None:
        self._queue: queue.Queue[Request | None] = queue.Queue(requests_max)
        self._again: deque[Request] = deque()
        self._closed = False

    def __len__(self) -> int:
        return self._queue.qsize() + len(self._again)

    def put(self, request: Request) -> None:
        """Queue a request; raises Unavailable when the line is full or closed."""
        if self._closed:
            raise Unavailable("the store takes nothing at the moment: it is stopping")
        try:
            self._queue.put_nowait(request)
        except queue.Full:
            raise Unavailable("too much is waiting to be written: try again in a second") from None

    def put_back(self, requests: Iterable[Request]) -> None:
        """Let taken requests wait for the next group, in front of everybody who came later."""
        self._again.extend(requests)

    def close(self) -> None:
        """Refuse what comes from now on; what waits is still taken."""
        self._closed = True
        self._queue.put(None)

    def take(self) -> list[Request]:
        """The next group, waiting for one; empty when the line is closed and nothing waits.

        No two requests of a group share an event id: the same request again follows the first
        one's answer. Others keep their order.
        """
        group: list[Request] = []
        later: list[Request] = []
        taken: set[UUID] = set()
        while len(taken) < GROUP_EVENTS_MAX:
            request = self._next(wait=not group and not later)
            if request is None:
                break
            (later if taken & request.ids else group).append(request)
            taken |= request.ids
        self._again.extendleft(reversed(later))
        return group

    def _next(self, *, wait: bool) -> Request | None:
        while True:
            if self._again:
                request: Request | None = self._again.popleft()
            else:
                try:
                    request = self._queue.get(block=wait and not self._drained())
                except queue.Empty:
                    return None
            if request is None:
                wait = False
            elif request.answer.running() or request.answer.set_running_or_notify_cancel():
                return request

    def _drained(self) -> bool:
        return self._closed and self._queue.empty()
