"""Erasure: the subject's keys are destroyed, and everything sealed with them is gone for good.

The ring's list comes first, then one transaction: the event, the key rows, the identifier. After a
crash in between nothing opens any more, and running it again finishes.
"""

from dataclasses import dataclass

from schemas.errors import NotFound
from store import ids
from store.drafts import Draft
from store.mapper import EventMapper, Settled
from store.reaching import Pool, reach
from store.recorder import Recorder
from store.ring import Ring
from store.rows import Place, Prepared, Written

_KEYS = "SELECT key_id FROM subject_keys WHERE subject = %s"
_LIVING = """
    SELECT key_id FROM subject_keys
    WHERE subject = %s AND class = 'identity' AND wrapped IS NOT NULL FOR UPDATE
"""
_DESTROY = "UPDATE subject_keys SET wrapped = NULL WHERE subject = %s AND wrapped IS NOT NULL"
_UNFINISHED = """
    SELECT DISTINCT subject FROM subject_keys WHERE wrapped IS NOT NULL AND key_id = ANY(%s)
"""
_FORGET = "DELETE FROM identifiers WHERE subject = %s"


@dataclass(frozen=True, slots=True)
class Erasure:
    """What an erasure did: `keys` it destroyed, and where its event went (None: it was there)."""

    subject: str
    keys: int
    place: Place | None


class Eraser:
    """Destroys the keys of subjects."""

    def __init__(
        self,
        pool: Pool,
        ring: Ring,
        recorder: Recorder,
        mapper: EventMapper,
    ) -> None:
        self._pool = pool
        self._ring = ring
        self._recorder = recorder
        self._mapper = mapper

    def subject_of(self, kind: str, normal: str) -> str | None:
        """The subject of an identifier, or None."""
        found_by = ids.lookup(self._ring.lookup, kind, normal)
        with reach(self._pool) as connection:
            row = connection.execute(
                "SELECT subject FROM identifiers WHERE lookup = %s", [found_by]
            ).fetchone()
        return row[0] if row else None

    def keys_of(self, subject: str) -> list[bytes]:
        """The ids of all keys the subject ever had; empty for an unknown one."""
        with reach(self._pool) as connection:
            return [row[0] for row in connection.execute(_KEYS, [subject])]

    def erase(self, subject: str, draft: Draft) -> Erasure:
        """Destroy the subject's keys; `draft` is its `subject.erased`. Again: finishes or does
        nothing. Raises NotFound for a subject that never was, Unavailable when the store cannot be
        reached."""
        if not self.keys_of(subject):
            raise NotFound("no such customer")
        row = self._mapper.to_stored_event(Settled(draft, subject, None))
        with reach(self._pool) as connection, connection.transaction():
            # Locked first, so that no other process gives the subject a key meanwhile.
            if connection.execute(_LIVING, [subject]).fetchone() is None:
                return Erasure(subject, 0, None)
            key_ids = [row[0] for row in connection.execute(_KEYS, [subject])]
            self._ring.destroy(k for k in key_ids if not self._ring.is_destroyed(k))
            # The append's lock is held to the end: nobody writes to the subject in between.
            (outcome,) = self._recorder.append_on(connection, [Prepared((row,))])
            destroyed = connection.execute(_DESTROY, [subject]).rowcount
            connection.execute(_FORGET, [subject])
        place = outcome.places[0] if isinstance(outcome, Written) else None
        return Erasure(subject, destroyed, place)

    def unfinished(self) -> list[str]:
        """Subjects whose keys are on the ring's list and still in the database: an erasure that
        crashed, or a database restored from before it."""
        with reach(self._pool) as connection:
            rows = connection.execute(_UNFINISHED, [list(self._ring.destroyed)]).fetchall()
        return [row[0] for row in rows]
