"""The same thing sent again: its first receipt; another content under the same id: a conflict."""

from collections.abc import Mapping, Sequence
from hmac import compare_digest
from uuid import UUID

from schemas.errors import ContentConflict
from schemas.identifiers import is_house
from schemas.receipts import Receipt, Token
from store.drafts import Append
from store.info import StoreInfo
from store.recorder import Recorder
from store.ring import Ring
from store.rows import StoredEventRow
from store.sealing import fingerprint, unwrap


class Repeats:
    """Compares what comes with what is stored. The STORED subject's key decides, so that the
    incoming one need not exist."""

    def __init__(self, recorder: Recorder, ring: Ring, info: StoreInfo) -> None:
        self._recorder = recorder
        self._ring = ring
        self._info = info

    def receipt(self, append: Append, stored: Mapping[UUID, StoredEventRow]) -> Receipt | None:
        """The first receipt of `append`, or None where nothing of it is stored.

        Raises ContentConflict when its ids stand for another content.
        """
        found = [stored[d.event_id] for d in append.drafts if d.event_id in stored]
        if not found:
            return None
        if append.command_id is None and len(found) < len(append.drafts):
            raise ContentConflict("a part of this is recorded already", field="id")
        contents = {draft.event_id: draft.content for draft in append.drafts}
        same = [self._same(row, contents[row.event_id]) for row in found]
        if False in same:
            raise ContentConflict(
                "this id is recorded with another content: nothing is overwritten", field="id"
            )
        if append.command_id is not None:
            found = self._recorder.of_command(found[0])
        return self.first_receipt(found, erased=None in same)

    def of_command(self, first: StoredEventRow, content: bytes) -> Receipt:
        """The first receipt of a command whose first event is stored; raises ContentConflict."""
        same = self._same(first, content)
        if same is False:
            raise ContentConflict("this idempotency key was used for another command")
        return self.first_receipt(self._recorder.of_command(first), erased=same is None)

    def first_receipt(self, rows: Sequence[StoredEventRow], *, erased: bool) -> Receipt:
        """What was answered the first time; of an erased subject only that it is one."""
        if erased:
            return Receipt(None, None, (), duplicate=True, token=None, erased=True)
        own = [row for row in rows if row.stream.rpartition("/")[2] != "subject" or row.version > 1]
        sequences: dict[int, int] = {}
        for row in rows:
            sequences[row.partition] = max(row.sequence, sequences.get(row.partition, 0))
        token = Token(self._info.epoch, sequences)
        ids = tuple(row.event_id for row in own)
        return Receipt(own[-1].stream, own[-1].version, ids, duplicate=True, token=token)

    def _same(self, row: StoredEventRow, content: bytes) -> bool | None:
        """Is it the same content? None when the subject's key is destroyed: nothing to compare."""
        if is_house(row.subject):
            return compare_digest(row.fingerprint, fingerprint(self._ring.fingerprint, content))
        if row.key_id is None or row.wrapped is None or self._ring.is_destroyed(row.key_id):
            return None
        key = unwrap(self._ring.wrapping, row.key_id, "identity", row.wrapped)
        return compare_digest(row.fingerprint, fingerprint(key.fingerprint_key(), content))
