"""The appender: one thread that settles who is meant, seals, and writes in groups.

What is queued while it is at the database goes into the next group, so that one commit serves many
callers. A request fails or succeeds alone, whatever else was in its group.
"""

import logging
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from uuid import UUID

import psycopg
from psycopg_pool import PoolTimeout

from schemas.errors import (
    BackboneError,
    Broken,
    ContentConflict,
    NotFound,
    StaleVersion,
    Unavailable,
)
from schemas.identifiers import Identifier, is_house
from schemas.receipts import Receipt, Token
from store.directory import Directory
from store.drafts import Append, Draft
from store.founding import StoreInfo
from store.mapper import EventMapper, Settled
from store.recorder import Recorder
from store.repeats import Repeats
from store.rows import (
    AlreadyStored,
    DeadKeys,
    Place,
    Prepared,
    StaleStreams,
    StoredEventRow,
    Written,
)
from store.waiting_line import Request, WaitingLine

TRIES_MAX = 5

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Sealed:
    """A request whose subjects are settled and whose values are sealed."""

    request: Request
    events: tuple[Settled, ...]
    prepared: Prepared


class Appender:
    """Takes appends from any thread; `start` before the first, `stop` writes what is queued."""

    def __init__(
        self,
        recorder: Recorder,
        directory: Directory,
        mapper: EventMapper,
        repeats: Repeats,
        info: StoreInfo,
        line: WaitingLine,
    ) -> None:
        self._recorder = recorder
        self._directory = directory
        self._mapper = mapper
        self._repeats = repeats
        self._info = info
        self._line = line
        self._thread = threading.Thread(target=self._run, name="appender", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def stop(self) -> None:
        """Write what is queued, then end; later submissions are refused as unavailable."""
        self._line.close()
        if self._thread.is_alive():
            self._thread.join()

    @property
    def alive(self) -> bool:
        """False when the thread has ended, for whatever reason."""
        return self._thread.is_alive()

    @property
    def queued(self) -> int:
        """How many requests wait."""
        return len(self._line)

    def submit(self, append: Append) -> "Future[Receipt]":
        """Queue an append; the future gives its receipt, or raises why it was refused.

        Raises Unavailable at once when too much waits or the appender has stopped.
        """
        request = Request(append)
        self._line.put(request)
        return request.answer

    def _run(self) -> None:
        while group := self._line.take():
            self._commit_safely(group)

    def _commit_safely(self, group: list[Request]) -> None:
        try:
            self._commit(group)
        except (psycopg.OperationalError, PoolTimeout) as error:
            # The answer may be lost after the commit: the caller's repeat finds its first receipt.
            log.warning("the store cannot be reached: %s", type(error).__name__)
            for request in group:
                request.fail(Unavailable("the store cannot be reached: send the same again"))
        except Exception as error:
            # Whatever it was, the thread lives on for everybody else. No message of a database
            # error is logged: PostgreSQL's DETAIL prints rows.
            log.error("an append failed: %s", type(error).__name__)
            for request in group:
                request.fail(Broken("the append failed: the server's log names the kind of fault"))

    def _commit(self, group: list[Request]) -> None:
        for _ in range(TRIES_MAX):
            group = self._settle_repeats(group)
            self._directory.resolve(who for request in group for who in request.who())
            sealed = self._seal(group)
            group = [one.request for one in sealed]
            parties = [event.party for one in sealed for event in one.events if event.party]
            if not self._directory.confirm(parties):
                group = self._write(sealed)
            if not group:
                return
        for request in group:
            request.fail(Unavailable("the customer is being erased: send the same again"))

    def _settle_repeats(self, group: list[Request]) -> list[Request]:
        """Ids are looked up before anybody unknown gets a subject: a file that is sent again after
        an erasure must not bring the person back."""
        unsure = [r for r in group if any(self._directory.known(who) is None for who in r.who())]
        if not unsure:
            return group
        stored = self._recorder.stored(event_id for r in unsure for event_id in r.ids)
        settled = {r for r in unsure if self._settled(r, stored)}
        return [r for r in group if r not in settled]

    def _settled(self, request: Request, stored: Mapping[UUID, StoredEventRow]) -> bool:
        """Answer a request whose events are in the log already; False where none is."""
        try:
            receipt = self._repeats.receipt(request.append, stored)
        except ContentConflict as conflict:
            request.fail(conflict)
            return True
        if receipt is None:
            return False
        request.succeed(receipt)
        return True

    def _seal(self, group: list[Request]) -> list[Sealed]:
        """Seal each request; one that touches another one's streams waits for the next group."""
        sealed = []
        streams: set[str] = set()
        for request in group:
            try:
                events = tuple(self._settle(request.append, d) for d in request.append.drafts)
            except BackboneError as refusal:
                request.fail(refusal)
                continue
            expects = request.append.expects + tuple(
                (event.originator_id, event.draft.expected)
                for event in events
                if event.draft.expected is not None
            )
            touched = {event.originator_id for event in events}.union(s for s, _ in expects)
            if touched & streams:
                self._line.put_back([request])
                continue
            streams |= touched
            sealed.append(Sealed(request, events, self._prepare(events, expects)))
        return sealed

    def _settle(self, append: Append, draft: Draft) -> Settled:
        if isinstance(draft.who, str) and is_house(draft.who):
            return Settled(draft, draft.who, None, {}, append.command_id)
        party = self._directory.known(draft.who)
        if party is not None and party.identity is None and isinstance(draft.who, Identifier):
            raise Unavailable("this customer's erasure is not finished: run it again")
        if party is None or party.identity is None:
            raise NotFound("no such customer", field="subject")
        owners = {text: self._directory.known(point) for text, point in draft.points.items()}
        points = {text: owner.subject for text, owner in owners.items() if owner is not None}
        return Settled(draft, party.subject, party, points, append.command_id)

    def _prepare(self, events: Sequence[Settled], expects: tuple[tuple[str, int], ...]) -> Prepared:
        rows = []
        keys: set[bytes] = set()
        for event in events:
            if event.party is not None and not event.party.opened:
                rows.append(self._mapper.to_stored_event(self._mapper.opening(event)))
            rows.append(self._mapper.to_stored_event(event))
            if event.party is not None:
                keys.update(key.key_id for key in event.party.living())
        return Prepared(tuple(rows), tuple(keys), expects)

    def _write(self, sealed: list[Sealed]) -> list[Request]:
        """Append; answers all but those that must be settled anew, which it returns."""
        if not sealed:
            return []
        again, repeats = [], []
        outcomes = self._recorder.append([one.prepared for one in sealed])
        for one, outcome in zip(sealed, outcomes, strict=True):
            parties = [event.party for event in one.events if event.party is not None]
            match outcome:
                case Written(places):
                    for party in parties:
                        party.opened = True
                    one.request.succeed(self._receipt(places))
                case AlreadyStored():
                    repeats.append(one.request)
                case DeadKeys():
                    self._directory.forget(party.subject for party in parties)
                    again.append(one.request)
                case StaleStreams():
                    one.request.fail(StaleVersion("somebody wrote meanwhile: read it again"))
        if repeats:
            stored = self._recorder.stored(i for request in repeats for i in request.ids)
            again.extend(r for r in repeats if not self._settled(r, stored))
        return again

    def _receipt(self, places: Sequence[Place]) -> Receipt:
        own = [place for place in places if not place.row.opening]
        token = Token(self._info.epoch, {p.row.partition: p.sequence for p in places})
        ids = tuple(place.row.event_id for place in own)
        stream = str(own[-1].row.originator_id)
        return Receipt(stream, own[-1].version, ids, duplicate=False, token=token)
