"""Between events with open values and rows with sealed ones: the library's `Mapper`, ours."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

import orjson
from eventsourcing.persistence import Mapper, StoredEvent

from schemas.canonical import canonical
from schemas.envelope import When
from schemas.event import EventData
from schemas.identifiers import NORMALISER
from schemas.partitioning import partition_of
from schemas.people import SubjectErased, SubjectOpened
from schemas.registry import Registry
from store.directory import Party
from store.drafts import Draft
from store.ids import Ids
from store.ring import Ring
from store.rows import Row, VersionedEvent
from store.sealing import EventSealer, Seal, fingerprint, seal

_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Settled:
    """A draft whose subject is settled: `party` is None for what belongs to no person."""

    draft: Draft
    subject: str
    party: Party | None
    points: Mapping[str, Party] = field(default_factory=dict)
    """Whose the contact points are that it names, by their text."""
    command_id: UUID | None = None
    opening: bool = False

    @property
    def stream(self) -> str:
        """The whole name of the stream."""
        return f"{self.subject}/{self.draft.stream}"


@dataclass(frozen=True, slots=True)
class Recorded:
    """An event read back for a decision: its values stay sealed, so that loading needs no keys."""

    originator_id: str
    originator_version: int
    data: EventData


class EventMapper(Mapper[str]):
    """Seals on the way in; on the way out upcasts, and leaves values as they are."""

    def __init__(  # the library's own takes a transcoder and a cipher with one key for everything
        self, registry: Registry, ring: Ring, own_ids: Ids, partitions: int, seal: Seal = seal
    ) -> None:
        self._seal = seal
        self._registry = registry
        self._ring = ring
        self._ids = own_ids
        self._partitions = partitions

    def to_stored_event(self, domain_event: Settled) -> Row:  # type: ignore[override]
        """The row of a settled draft."""
        draft, party = domain_event.draft, domain_event.party
        sealer = EventSealer(
            domain_event.subject,
            draft.event_id,
            party.key if party else None,
            {text: point.subject for text, point in domain_event.points.items()},
            self._seal,
        )
        when = draft.when
        offset = when.occurred_at.utcoffset() if when.occurred_at is not None else None
        return Row(
            stream=domain_event.stream,
            event_id=draft.event_id,
            partition=partition_of(domain_event.subject, self._partitions),
            type=draft.data.TYPE,
            type_version=draft.data.VERSION,
            subject=domain_event.subject,
            source=draft.source,
            occurred_at=when.occurred_at,
            offset_minutes=offset // _MINUTE if offset else 0,
            precision=None if when.precision == "second" else when.precision,
            basis=None if when.basis == "reported" else when.basis,
            business_date=when.business_date,
            traffic=None if when.traffic == "live" else when.traffic,
            actor=draft.actor,
            correlation_id=draft.correlation_id or draft.event_id,
            causation_id=draft.causation_id,
            command_id=domain_event.command_id,
            fingerprint=self._fingerprint(party, draft),
            state=draft.data.model_dump_json(context=sealer, exclude_none=True).encode(),
            opening=domain_event.opening,
        )

    def to_domain_event(self, stored_event: StoredEvent) -> Recorded:
        """The event of the current version, values sealed."""
        assert isinstance(stored_event, VersionedEvent)
        event_type, version = stored_event.topic, stored_event.type_version
        data = self._registry.upcast(event_type, version, orjson.loads(stored_event.state))
        return Recorded(
            str(stored_event.originator_id),
            stored_event.originator_version,
            self._registry.current(event_type).model_validate(data),
        )

    def opening(self, settled: Settled) -> Settled:
        """The `subject.opened` that goes in front of a subject's first event; it takes source,
        actor and time from its cause."""
        party, cause = settled.party, settled.draft
        assert party is not None
        data = SubjectOpened(kind=party.kind, identifier=party.identifier, normaliser=NORMALISER)
        draft = Draft(
            event_id=self._ids.opened(party.subject),
            data=data,
            content=canonical({"type": data.TYPE, "subject": party.subject}),
            who=party.subject,
            stream="subject",
            when=When(cause.when.occurred_at, cause.when.precision, cause.when.basis),
            source=cause.source,
            actor=cause.actor,
            correlation_id=cause.correlation_id or cause.event_id,
            causation_id=cause.event_id,
        )
        return Settled(draft, party.subject, party, command_id=settled.command_id, opening=True)

    def _fingerprint(self, party: Party | None, draft: Draft) -> bytes:
        # An erasure destroys the identity key, so that its own event cannot depend on it.
        if party is None or isinstance(draft.data, SubjectErased):
            return fingerprint(self._ring.fingerprint, draft.content)
        return fingerprint(party.fingerprint_key, draft.content)
