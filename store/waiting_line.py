"""Appends that wait to be written, and which of them go into the next group together."""

import threading
from collections import deque
from collections.abc import Iterable
from concurrent.futures import Future
from dataclasses import dataclass, field
from uuid import UUID

from schemas.errors import BackboneError, Invalid, Unavailable
from schemas.identifiers import is_house
from schemas.receipts import Receipt
from store.drafts import Append, Who

GROUP_EVENTS_MAX = 1_000
GROUP_BYTES_MAX = 8 * 2**20
"""Of content: what goes to the database in one statement is held in memory several times over."""


@dataclass(eq=False, slots=True)
class Request:
    """One append on its way, and where its answer goes. Raises Invalid for an append without
    events, or with the same id twice: such a one could never be found again whole."""

    append: Append
    answer: "Future[Receipt]" = field(default_factory=Future)
    ids: frozenset[UUID] = field(init=False)
    bytes: int = field(init=False)
    _begun: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        drafts = self.append.drafts
        self.ids = frozenset(draft.event_id for draft in drafts)
        self.bytes = sum(len(draft.content) for draft in drafts)
        if not drafts:
            raise Invalid("there is nothing to append")
        if len(self.ids) < len(drafts):
            raise Invalid("the same id stands twice in one request", field="id")

    def who(self) -> Iterable[Who]:
        """Everybody whose subject must be settled: owners, and contact points that are named."""
        for draft in self.append.drafts:
            if isinstance(draft.who, str) and is_house(draft.who):
                continue
            yield draft.who
            yield from draft.points.values()

    def begin(self) -> bool:
        """True when it is to be written; False when its caller has cancelled it in the line."""
        if not self._begun:
            self._begun = self.answer.set_running_or_notify_cancel()
        return self._begun

    def succeed(self, receipt: Receipt) -> None:
        """Answer with a receipt."""
        if not self.answer.done():
            self.answer.set_result(receipt)

    def fail(self, error: BackboneError) -> None:
        """Answer with a refusal or failure."""
        if not self.answer.done():
            self.answer.set_exception(error)


class WaitingLine:
    """Requests in order of arrival; `put` from any thread, the rest from the appender's."""

    def __init__(self, events_max: int) -> None:
        self._events_max = events_max
        self._events = 0
        self._waiting: deque[Request] = deque()
        self._changed = threading.Condition()
        self._closed = False

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, request: Request) -> None:
        """Queue a request; raises Unavailable when the line is full or closed.

        A request that is longer than the line is taken when nobody else waits.
        """
        with self._changed:
            if self._closed:
                raise Unavailable("the store takes nothing at the moment: it is stopping")
            if self._waiting and self._events + len(request.ids) > self._events_max:
                raise Unavailable("too much is waiting to be written: try again in a second")
            self._waiting.append(request)
            self._events += len(request.ids)
            self._changed.notify()

    def put_back(self, requests: list[Request]) -> None:
        """Let taken requests wait for the next group, in front of everybody who came later."""
        with self._changed:
            self._waiting.extendleft(reversed(requests))
            self._events += sum(len(request.ids) for request in requests)

    def close(self) -> None:
        """Refuse what comes from now on; what waits is still taken."""
        with self._changed:
            self._closed = True
            self._changed.notify()

    def take(self) -> list[Request]:
        """The next group, waiting for one; empty when the line is closed and nothing waits.

        No two requests of a group share an event id: the same request again follows the first
        one's answer. Others keep their order.
        """
        with self._changed:
            while not (group := self._next_group()) and not self._closed:
                # Nobody waits, or only who has cancelled.
                self._changed.wait()
            return group

    def take_all(self) -> list[Request]:
        """Everybody who waits, at once: for whoever can only answer them that it is over."""
        with self._changed:
            rest = [request for request in self._waiting if request.begin()]
            self._waiting.clear()
            self._events = 0
            return rest

    def _next_group(self) -> list[Request]:
        group: list[Request] = []
        later: list[Request] = []
        taken: set[UUID] = set()
        size = 0
        while self._waiting:
            request = self._waiting[0]
            full = (
                len(taken) + len(request.ids) > GROUP_EVENTS_MAX
                or size + request.bytes > GROUP_BYTES_MAX
            )
            if group and full:
                break
            self._waiting.popleft()
            if not taken.isdisjoint(request.ids):
                later.append(request)
            elif request.begin():
                group.append(request)
                size += request.bytes
            else:
                self._events -= len(request.ids)
                continue
            taken |= request.ids
        self._events -= sum(len(request.ids) for request in group)
        self._waiting.extendleft(reversed(later))
        return group
