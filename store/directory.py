"""Who is behind an identifier: its subject and the keys to seal with, found or made.

One identifier, one subject, whichever process comes first. What was found is remembered, so that a
known customer costs no round trip; the append itself refuses keys that died in between.
"""

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from psycopg import Connection

from schemas.identifiers import Identifier, is_subject
from schemas.personal import KeyClass
from store import ids
from store.drafts import Who, who_text
from store.reaching import Pool, reach
from store.ring import Ring
from store.sealing import DataKey, Seal, open_token, seal, unwrap, wrap

REMEMBERED_MAX = 100_000

T = TypeVar("T")

_LOAD = """
    SELECT s.subject, i.key_id, i.wrapped, c.key_id, c.wrapped, n.kind, n.sealed,
           EXISTS (SELECT FROM events e WHERE e.stream = s.subject || '/subject')
    FROM unnest(%b::text[]) AS s(subject)
    JOIN subject_keys i ON i.subject = s.subject AND i.class = 'identity'
    LEFT JOIN subject_keys c
        ON c.subject = s.subject AND c.class = 'content' AND c.wrapped IS NOT NULL
    LEFT JOIN identifiers n ON n.subject = s.subject
"""
_RESOLVE = """
    SELECT lookup, subject
    FROM resolve(%b::bytea[], %b::text[], %b::text[], %b::text[], %b::bytea[], %b::bytea[])
"""
_GIVE_CONTENT_KEYS = """
    SELECT subject, key_id, wrapped FROM give_content_keys(%b::text[], %b::bytea[], %b::bytea[])
"""


@dataclass(slots=True)
class Party:
    """A living subject and its keys, as far as this process knows them."""

    subject: str
    identity: DataKey
    content: DataKey | None = None
    candidate: DataKey | None = None
    """A content key of which the database has not heard yet."""
    opened: bool = False
    kind: str = ""
    identifier: str = ""
    """As given; for `subject.opened`, while that is not written."""
    _fingerprint_key: bytes = b""

    @property
    def fingerprint_key(self) -> bytes:
        """The key of this subject's fingerprints; derived once."""
        if not self._fingerprint_key:
            self._fingerprint_key = self.identity.fingerprint_key()
        return self._fingerprint_key

    def key(self, key_class: KeyClass) -> DataKey:
        """The key to seal with; a content key is made when it is first needed."""
        if key_class == "identity":
            return self.identity
        if self.content is not None:
            return self.content
        if self.candidate is None:
            self.candidate = DataKey.make()
        return self.candidate

    def living(self) -> Iterable[bytes]:
        """The ids of the keys that its values may be sealed with; the append checks that none
        died."""
        yield self.identity.key_id
        if key := self.content or self.candidate:
            yield key.key_id


class Directory:
    """Finds or makes subjects. One thread's own: the appender's."""

    def __init__(self, pool: Pool, ring: Ring, own_ids: ids.Ids, seal: Seal = seal) -> None:
        self._seal = seal
        self._pool = pool
        self._ring = ring
        self._ids = own_ids
        self._subjects: OrderedDict[str, str] = OrderedDict()
        self._parties: OrderedDict[str, Party] = OrderedDict()

    def refresh(self) -> None:
        """Notice who was erased by other processes, also where that is not finished."""
        self._ring.refresh()

    def known(self, who: Who) -> Party | None:
        """The party, if this process has met it and it is not erased."""
        subject = who if isinstance(who, str) else self._subjects.get(who.text)
        party = self._parties.get(subject) if subject is not None else None
        return party if party is not None and self._lives(party) else None

    def forget(self, parties: Iterable[Party]) -> None:
        """Ask the database again next time: a key of theirs died."""
        for party in parties:
            self._parties.pop(party.subject, None)

    def met(self, asked: Iterable[Who]) -> dict[str, Party | None]:
        """By their text everybody whom this process has met; None for the others."""
        found: dict[str, Party | None] = {}
        for who in asked:
            text = who_text(who)
            if text not in found:
                found[text] = self.known(who)
        return found

    def resolve(self, wanted: Iterable[Who]) -> dict[str, Party | None]:
        """Find or make everybody. None stands for an erasure that is not finished; who is left out
        was never there (`s_…`), or was erased this very moment."""
        unknown = list({who_text(who): who for who in wanted}.values())
        if not unknown:
            return {}
        with reach(self._pool) as connection:
            made, subjects = self._find_or_make(
                connection, [who for who in unknown if isinstance(who, Identifier)]
            )
            names = {who for who in unknown if isinstance(who, str) and is_subject(who)}
            others = names.union(subjects.values()) - made.keys()
            parties: dict[str, Party | None] = {**made, **self._load(connection, others)}
        for text, subject in subjects.items():
            _remember(self._subjects, text, subject)
        for subject, party in parties.items():
            if party is not None:
                # One party for each subject, whatever it is called: two would make two content
                # keys, and one of them in vain.
                parties[subject] = _remember(self._parties, subject, self.known(subject) or party)
        named = {text: subjects.get(text, text) for text in map(who_text, unknown)}
        return {text: parties[subject] for text, subject in named.items() if subject in parties}

    def confirm(self, parties: Iterable[Party]) -> bool:
        """Write the content keys that sealing has made; True if another process was first with one,
        so that what was sealed under ours must be sealed again."""
        made = [(p, p.candidate) for p in {p.subject: p for p in parties}.values() if p.candidate]
        if not made:
            return False
        columns = [
            [party.subject for party, _ in made],
            [key.key_id for _, key in made],
            [wrap(self._ring.wrapping, key, "content") for _, key in made],
        ]
        with reach(self._pool) as connection:
            rows = connection.execute(_GIVE_CONTENT_KEYS, columns).fetchall()
        stored = {row[0]: row[1:] for row in rows}
        lost = False
        for party, candidate in made:
            party.candidate = None
            if party.subject not in stored:
                self.forget([party])
            elif stored[party.subject][0] == candidate.key_id:
                party.content = candidate
                continue
            else:
                key_id, wrapped = stored[party.subject]
                party.content = unwrap(self._ring.wrapping, key_id, "content", wrapped)
            lost = True
        return lost

    def _lives(self, party: Party) -> bool:
        destroyed = self._ring.is_destroyed
        content = party.content
        return not (
            destroyed(party.identity.key_id) or (content is not None and destroyed(content.key_id))
        )

    def _find_or_make(
        self, connection: Connection, identifiers: Sequence[Identifier]
    ) -> tuple[dict[str, Party], dict[str, str]]:
        """Parties that were made now, by subject; and the subject of each identifier's text."""
        if not identifiers:
            return {}, {}
        texts, offers, rows = {}, {}, []
        for identifier in identifiers:
            found_by = ids.lookup(self._ring.lookup, identifier.kind, identifier.normal)
            subject, key = ids.mint_subject(), DataKey.make()
            token = self._seal(key, subject, self._ids.opened(subject), identifier.value)
            wrapped = wrap(self._ring.wrapping, key, "identity")
            texts[found_by] = identifier.text
            offers[subject] = Party(subject, key, kind=identifier.kind, identifier=identifier.value)
            rows.append((found_by, subject, identifier.kind, token, key.key_id, wrapped))
        columns = [list(column) for column in zip(*rows, strict=True)]
        answers = connection.execute(_RESOLVE, columns).fetchall()
        subjects = {texts[found_by]: subject for found_by, subject in answers}
        return {s: offers[s] for s in subjects.values() if s in offers}, subjects

    def _load(self, connection: Connection, subjects: set[str]) -> dict[str, Party | None]:
        if not subjects:
            return {}
        return {
            row[0]: self._party(*row)
            for row in connection.execute(_LOAD, [sorted(subjects)]).fetchall()
        }

    def _party(
        self,
        subject: str,
        key_id: bytes,
        wrapped: bytes | None,
        content_id: bytes | None,
        content: bytes | None,
        kind: str | None,
        sealed: str | None,
        opened: bool,
    ) -> Party | None:
        destroyed = self._ring.is_destroyed
        if wrapped is None or destroyed(key_id) or (content_id and destroyed(content_id)):
            return None
        party = Party(
            subject, unwrap(self._ring.wrapping, key_id, "identity", wrapped), opened=opened
        )
        if content_id is not None and content is not None:
            party.content = unwrap(self._ring.wrapping, content_id, "content", content)
        if not opened and kind is not None and sealed is not None:
            party.kind = kind
            party.identifier = open_token(party.identity, subject, sealed)
        return party


def _remember(cache: "OrderedDict[str, T]", name: str, value: T) -> T:
    cache[name] = value
    cache.move_to_end(name)
    if len(cache) > REMEMBERED_MAX:
        cache.popitem(last=False)
    return value
