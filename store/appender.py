"""The appender: one thread that settles who is meant, seals, and writes in groups.

What is queued while it is at the database goes into the next group, so that one commit serves many
callers. A request fails or succeeds alone, whatever else was in its group.
"""

import logging
import threading
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future
from uuid import UUID

from schemas.errors import BackboneError, Broken, ContentConflict, StaleVersion, Unavailable
from schemas.receipts import Receipt, Token
from store.directory import Directory, Party
from store.drafts import Append, who_text
from store.info import StoreInfo
from store.mapper import EventMapper
from store.reaching import ConnectionLost
from store.recorder import Recorder
from store.repeats import Repeats
from store.rows import (
    AlreadyStored,
    DeadKeys,
    Place,
    StaleStreams,
    StoredEventRow,
    Written,
)
from store.settling import Sealed, StreamsOfGroup, Unsettled, seal
from store.waiting_line import Request, WaitingLine

TRIES_MAX = 5

log = logging.getLogger(__name__)


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

        Raises Invalid at once for an append without events or with the same id twice, Unavailable
        when too much waits or the appender has stopped.
        """
        request = Request(append)
        self._line.put(request)
        return request.answer

    def _run(self) -> None:
        group: list[Request] = []
        try:
            while group := self._line.take():
                self._commit(group)
        finally:
            # Whatever ended it, nobody may wait for an answer that never comes.
            self._line.close()
            self._give_up(group, "the store takes nothing at the moment: it is stopping")

    def _commit(self, group: list[Request]) -> bool:
        """Answer everybody of the group, or put them back into the line; False when the store
        cannot be reached."""
        for _ in range(TRIES_MAX):
            try:
                group = self._round(group)
            except ConnectionLost:
                # Perhaps after the commit: the next round finds what is stored.
                log.warning("the connection to the store was lost")
                group = [request for request in group if not request.answer.done()]
            except Unavailable as error:
                # Whoever waits has waited as long as we did for a connection.
                log.warning("the store cannot be reached")
                self._give_up(group, error.reason)
                return False
            except Exception as error:
                return self._commit_each(group, error)
            if not group:
                return True
        for request in group:
            request.fail(Unavailable("others are changing the same customer: send the same again"))
        return True

    def _commit_each(self, group: list[Request], error: Exception) -> bool:
        """Try everybody alone, so that whoever made the group fail is the only one to fail."""
        rest = [request for request in group if not request.answer.done()]
        if len(rest) == 1:
            rest[0].fail(_reason(error))
            return True
        for nth, request in enumerate(rest):
            if not self._commit([request]):
                self._give_up(rest[nth:], "the store cannot be reached: send the same again")
                return False
        return True

    def _give_up(self, group: Iterable[Request], reason: str) -> None:
        for request in (*group, *self._line.take_all()):
            request.fail(Unavailable(reason))

    def _round(self, group: list[Request]) -> list[Request]:
        """Settle, seal and write; returns those who must be settled anew."""
        self._directory.refresh()
        group, known = self._who_is_meant(group)
        sealed, again, later = self._seal(group, known)
        if self._directory.confirm(party for one in sealed for party in one.parties):
            again.extend(one.request for one in sealed)
        else:
            again.extend(self._write(sealed))
        # Last, because until here a fault brings the whole group back here.
        self._line.put_back(later)
        return again

    def _who_is_meant(self, group: list[Request]) -> tuple[list[Request], dict[str, Party | None]]:
        """Everybody whom the group's requests mean, by their text; and the group without those who
        were answered on the way.

        Ids are looked up before anybody unknown gets a subject: a file that is sent again after an
        erasure must not bring the person back.
        """
        met = self._directory.met(who for request in group for who in request.who())
        unsure = [r for r in group if any(met[who_text(who)] is None for who in r.who())]
        if not unsure:
            return group, met
        stored = self._recorder.stored(event_id for r in unsure for event_id in r.ids)
        settled = {request for request in unsure if self._settled(request, stored)}
        group = [request for request in group if request not in settled]
        strangers = [who for r in group for who in r.who() if met[who_text(who)] is None]
        known = {text: party for text, party in met.items() if party is not None}
        return group, known | self._directory.resolve(strangers)

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

    def _seal(
        self, group: list[Request], known: Mapping[str, Party | None]
    ) -> tuple[list[Sealed], list[Request], list[Request]]:
        """Those who can be written together, those who must be settled anew, and those who have to
        wait for the next group."""
        sealed: list[Sealed] = []
        again: list[Request] = []
        later: list[Request] = []
        streams = StreamsOfGroup()
        for request in group:
            try:
                one = seal(request, known, self._mapper)
            except Unsettled:
                again.append(request)
            except Exception as error:
                request.fail(_reason(error))
            else:
                if streams.admits(one.prepared):
                    sealed.append(one)
                else:
                    later.append(request)
        return sealed, again, later

    def _write(self, sealed: list[Sealed]) -> list[Request]:
        """Append; answers all but those that must be settled anew, which it returns."""
        if not sealed:
            return []
        again, repeats = [], []
        outcomes = self._recorder.append([one.prepared for one in sealed])
        for one, outcome in zip(sealed, outcomes, strict=True):
            match outcome:
                case Written(places):
                    for party in one.opened:
                        party.opened = True
                    one.request.succeed(self._receipt(places))
                case AlreadyStored():
                    repeats.append(one.request)
                case DeadKeys():
                    self._directory.forget(one.parties)
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
        return Receipt(own[-1].row.stream, own[-1].version, ids, duplicate=False, token=token)


def _reason(error: Exception) -> BackboneError:
    """The error as its caller may see it. The message of another one is not even logged:
    PostgreSQL's DETAIL prints rows."""
    if isinstance(error, BackboneError):
        return error
    log.error("an append failed: %s", type(error).__name__)
    return Broken("the append failed: the server's log names the kind of fault")
