"""Who is behind an identifier: its subject and the keys to seal with, found or made.

One identifier, one subject, whichever process comes first. What was found is remembered, so that a
known customer costs no round trip; the append itself refuses keys that died in between.
"""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from psycopg import Connection
from psycopg_pool import ConnectionPool

from schemas.identifiers import Identifier, is_subject
from schemas.personal import KeyClass
from store import ids
from store.drafts import Who, who_text
from store.ring import Ring
from store.sealing import DataKey, open_token, seal, unwrap, wrap

REMEMBERED_MAX = 100_000

_LOAD = """
    SELECT s.subject, i.key_id, i.wrapped, c.key_id, c.wrapped, n.kind, n.sealed,
           EXISTS (SELECT FROM events e WHERE e.stream = s.subject || '/subject')
    FROM unnest(%s::text[]) AS s(subject)
    JOIN subject_keys i ON i.subject = s.subject AND i.class = 'identity'
    LEFT JOIN subject_keys c
        ON c.subject = s.subject AND c.class = 'content' AND c.wrapped IS NOT NULL
    LEFT JOIN identifiers n ON n.subject = s.subject
"""
_ADD_CONTENT_KEYS = """
    INSERT INTO subject_keys (key_id, subject, class, wrapped)
    SELECT key_id, subject, 'content', wrapped
    FROM unnest(%s::bytea[], %s::text[], %s::bytea[]) AS k(key_id, subject, wrapped)
    ORDER BY subject ON CONFLICT DO NOTHING
"""


@dataclass(slots=True)
class Party:
    """A subject and its keys, as far as this process knows them."""

    subject: str
    identity: DataKey | None
    """None when it is destroyed: nothing can be written to this subject any more."""
    content: DataKey | None = None
    candidate: DataKey | None = None
    """A content key of which the database has not heard yet."""
    opened: bool = False
    kind: str = ""
    identifier: str = ""
    """As given; for `subject.opened`, while that is not written."""

    def key(self, key_class: KeyClass) -> DataKey:
        """The key to seal with; a content key is made when it is first needed."""
        if key_class == "identity":
            assert self.identity is not None
            return self.identity
        if self.content is None and self.candidate is None:
            self.candidate = DataKey.make()
        key = self.content or self.candidate
        assert key is not None
        return key

    def living(self) -> tuple[DataKey, ...]:
        """The keys that its values may be sealed with; the append checks that none died."""
        keys = (self.identity, self.content or self.candidate)
        return tuple(key for key in keys if key is not None)


class Directory:
    """Finds or makes subjects. One thread's own: the committer's."""

    def __init__(self, pool: ConnectionPool[Connection[Any]], ring: Ring, own_ids: ids.Ids) -> None:
        self._pool = pool
        self._ring = ring
        self._ids = own_ids
        self._known: OrderedDict[str, Party] = OrderedDict()

    def known(self, who: Who) -> Party | None:
        """The party, if this process has met it."""
        return self._known.get(who_text(who))

    def forget(self, subjects: Iterable[str]) -> None:
        """Ask the database again next time: a key of theirs died."""
        gone = set(subjects)
        for text in [t for t, party in self._known.items() if party.subject in gone]:
            del self._known[text]

    def resolve(self, wanted: Iterable[Who]) -> None:
        """Find or make everybody who is not known yet; an unknown `s_…` stays unknown."""
        unknown = {who_text(who): who for who in wanted if who_text(who) not in self._known}
        identifiers = [who for who in unknown.values() if isinstance(who, Identifier)]
        names = {who for who in unknown.values() if isinstance(who, str) and is_subject(who)}
        if not unknown:
            return
        with self._pool.connection() as connection:
            # Nothing here takes a position, so a lost commit costs a random name and no event.
            connection.execute("SET LOCAL synchronous_commit = off")
            made, subjects = self._find_or_make(connection, identifiers)
            others = names | {subject for subject in subjects.values() if subject not in made}
            found = made | self._load(connection, others) if others else made
        for identifier in identifiers:
            self._remember(identifier.text, found[subjects[identifier.text]])
        for name in names & found.keys():
            self._remember(name, found[name])

    def confirm(self, parties: Iterable[Party]) -> bool:
        """Write the content keys that sealing has made; True if another process was first with one,
        so that what was sealed under ours must be sealed again."""
        made = sorted({p.subject: p for p in parties if p.candidate is not None}.items())
        if not made:
            return False
        candidates = [(p, p.candidate) for _, p in made if p.candidate is not None]
        wrapped = [wrap(self._ring.wrapping, key, "content") for _, key in candidates]
        with self._pool.connection() as connection:
            connection.execute("SET LOCAL synchronous_commit = off")
            subjects = [party.subject for party, _ in candidates]
            connection.execute(
                _ADD_CONTENT_KEYS, [[key.key_id for _, key in candidates], subjects, wrapped]
            )
            stored = self._load(connection, set(subjects))
        lost = False
        for party, candidate in candidates:
            party.content, party.candidate = stored[party.subject].content, None
            lost = lost or party.content is None or party.content.key_id != candidate.key_id
        return lost

    def _find_or_make(
        self, connection: Connection[Any], identifiers: list[Identifier]
    ) -> tuple[dict[str, Party], dict[str, str]]:
        """Parties that were made now, by subject; and the subject of each identifier's text."""
        if not identifiers:
            return {}, {}
        texts, offers, rows = {}, {}, []
        for identifier in identifiers:
            found_by = ids.lookup(self._ring.lookup, identifier.kind, identifier.normal)
            subject, key = ids.mint_subject(), DataKey.make()
            token = seal(key, subject, self._ids.opened(subject), identifier.value)
            wrapped = wrap(self._ring.wrapping, key, "identity")
            texts[found_by] = identifier.text
            offers[subject] = Party(subject, key, kind=identifier.kind, identifier=identifier.value)
            rows.append((found_by, subject, identifier.kind, token, key.key_id, wrapped))
        columns = [list(column) for column in zip(*rows, strict=True)]
        answers = connection.execute(
            "SELECT * FROM resolve(%s::bytea[], %s, %s, %s, %s::bytea[], %s::bytea[])", columns
        ).fetchall()
        subjects = {texts[found_by]: subject for found_by, subject in answers}
        return {s: offers[s] for s in subjects.values() if s in offers}, subjects

    def _load(self, connection: Connection[Any], subjects: set[str]) -> dict[str, Party]:
        return {row[0]: self._party(*row) for row in connection.execute(_LOAD, [sorted(subjects)])}

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
    ) -> Party:
        if wrapped is None or self._ring.is_destroyed(key_id):
            return Party(subject, None, opened=opened)
        party = Party(
            subject, unwrap(self._ring.wrapping, key_id, "identity", wrapped), opened=opened
        )
        if content_id is not None and content is not None:
            party.content = unwrap(self._ring.wrapping, content_id, "content", content)
        if not opened and kind is not None and sealed is not None:
            party.kind = kind
            party.identifier = open_token(party.key("identity"), subject, sealed)
        return party

    def _remember(self, text: str, party: Party) -> None:
        self._known[text] = party
        if len(self._known) > REMEMBERED_MAX:
            self._known.popitem(last=False)
