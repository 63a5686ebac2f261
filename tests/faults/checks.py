"""What must hold after any crash, from the client's own log, the store and the views."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, Table, select

from backbone.reading_side import open_views
from backbone.wiring import open_history, open_store
from consumers import held
from projections import checkpoints, generations
from projections.profile import profiles
from projections.purchases import by_category, by_day
from projections.registry import VIEWS
from projections.tables import of_generation
from projections.timeline import timeline
from schemas.envelope import Event
from store.history import History
from store.ids import Ids
from store.ring import Ring
from tests import plain
from tests.faults.load import Client
from tests.faults.orders import PARTITIONS, Orders
from tests.feeding import until

VIEW_NAMES = tuple(view.name for view in VIEWS)


@dataclass(frozen=True, slots=True)
class World:
    """A store that was founded, and views that were made; nothing runs on them yet."""

    orders: Orders
    """Whole programs; `replace` them for others."""
    engine: Engine
    history: History
    ids: Ids

    def log(self) -> list[Event]:
        """The whole log, in order."""
        return self.history.from_position(0, 10**9)

    def stands(self, view: str) -> dict[int, int]:
        """How far a view has come in each partition."""
        with self.engine.connect() as connection:
            active = generations.active(connection, view)
            assert active is not None
            known = checkpoints.read(connection, view, active)
        return {partition: at.sequence for partition, at in known.items()}

    def settled(self, *views: str) -> None:
        """Wait until these views, or all, have reached the head of the store."""

        def caught_up() -> bool:
            heads = {p: sequence for p, (sequence, _) in self.history.heads().items()}
            return all(self.stands(view) == heads for view in views or VIEW_NAMES)

        until(caught_up, "the views have reached the head", 60)

    def recorded(self, names: Iterable[str]) -> list[str]:
        """Those of the client's events that are in the store."""
        return [n for n in names if self.history.event(self.ids.event_id("shop", n)) is not None]

    def unmoved(self, acknowledged: Mapping[int, int]) -> bool:
        """Whether some view has not come as far as events were acknowledged."""
        stands = [self.stands(view) for view in VIEW_NAMES]
        return any(at[p] < sequence for at in stands for p, sequence in acknowledged.items())


@contextmanager
def world(store_url: str, views_url: str, folder: Path) -> Iterator[World]:
    """Found the store and make the views."""
    orders = Orders(store_url, views_url, str(folder / "ring"))
    with open_store(store_url, Path(orders.ring), PARTITIONS) as store:
        info = store.info
    with open_views(views_url) as engine, open_history(store_url) as history:
        for view in VIEWS:
            generations.ensure(engine, view, partitions=PARTITIONS, epoch=info.epoch)
        yield World(orders, engine, history, Ids(Ring.open(Path(orders.ring)).id))


def check_everything(there: World, client: Client) -> None:
    """All of the below, once the views have reached the head."""
    there.settled()
    log = there.log()
    check_receipts(log, there.ids, client)
    check_log(log)
    check_views(there, log)


def check_receipts(log: list[Event], ids: Ids, client: Client) -> None:
    """Each acknowledged event is once in the store, where its one receipt says."""
    stored = Counter(event.event_id for event in log)
    places = {event.event_id: event for event in log}
    assert not client.refused, f"an append was refused: {client.refused}"
    assert not client.unanswered, f"an append was never answered: {client.unanswered}"
    assert not client.other_receipts, "an event that was sent again got another receipt"
    for name, (stream, version, event_ids, token) in client.receipts.items():
        event_id = ids.event_id("shop", name)
        assert stored[event_id] == 1, f"{name} was acknowledged and is {stored[event_id]} times"
        event = places[event_id]
        said = (stream, version, event_ids, token.rpartition(".")[2])
        found = (event.stream, event.stream_version, [str(event_id)])
        assert said == (*found, f"{event.partition}-{event.sequence}"), f"{name}'s receipt differs"
    known = {ids.event_id("shop", name) for name in client.sent}
    openings = {event.event_id for event in log if event.type == "subject.opened"}
    assert stored.keys() - openings <= known, "something is in the store that nobody sent"


def check_log(log: list[Event]) -> None:
    """Positions, sequences and versions are dense; requests are whole; every id is there once."""
    twice = [i for i, times in Counter(event.event_id for event in log).items() if times > 1]
    assert not twice, f"events are in the store twice: {twice}"
    assert [e.position for e in log] == list(range(1, len(log) + 1)), "positions are not dense"
    sequences, versions = defaultdict(list), defaultdict(list)
    for event in log:
        sequences[event.partition].append(event.sequence)
        versions[event.stream].append(event.stream_version)
    for numbers in (*sequences.values(), *versions.values()):
        assert numbers == list(range(1, len(numbers) + 1)), "a partition or a stream has a gap"
    ids = {event.event_id for event in log}
    opened = [event for event in log if event.type == "subject.opened"]
    assert {e.causation_id for e in opened} <= ids, "a request is in the store in part only"
    assert {e.subject for e in log} == {e.subject for e in opened}, "somebody was never opened"
    assert len({e.subject for e in opened}) == len(opened), "somebody was opened twice"


def check_views(there: World, log: list[Event]) -> None:
    """Checkpoints, rows and totals are those of the plain computation, and nobody is held."""
    assert not held.listed(there.engine), "somebody is held"
    for view in VIEW_NAMES:
        _check_digests(there, view, log)
    check_profiles(there, log)
    of_subject = defaultdict(list)
    for event in log:
        of_subject[event.subject].append(event)
    entries: dict[tuple[str, int], Any] = {}
    for events in of_subject.values():
        entries |= plain.timeline(events)
    found = {(r["subject"], r["position"]): (r["type"], r["data"]) for r in rows(there, timeline)}
    assert found == entries, "the timeline is not the plain fold of the log"
    for table, totals in (
        (by_day, plain.revenue_by_day(log)),
        (by_category, plain.revenue_by_category(log)),
    ):
        assert _totals(there, table) == _nonzero(totals), f"{table.name} is not the plain sum"


def check_profiles(there: World, log: list[Event]) -> None:
    """The profiles alone."""
    of_subject = defaultdict(list)
    for event in log:
        of_subject[event.subject].append(event)
    wanted = {subject: plain.profile(events) for subject, events in of_subject.items()}
    found = {row["subject"]: _profile(row) for row in rows(there, profiles)}
    assert found == wanted, "the profile is not the plain fold of the log"


def rows(there: World, table: Table) -> list[dict[str, Any]]:
    """The first generation's rows."""
    with there.engine.connect() as connection:
        return [dict(r) for r in connection.execute(select(of_generation(table, 1))).mappings()]


def _check_digests(there: World, view: str, log: list[Event]) -> None:
    with there.engine.connect() as connection:
        known = checkpoints.read(connection, view, 1)
    for partition, at in known.items():
        events = [event for event in log if event.partition == partition]
        digest = sum(event.event_id.int for event in events) % checkpoints.DIGEST_MODULUS
        position = events[-1].position if events else 0
        said = (at.sequence, at.position, at.digest)
        assert said == (len(events), position, digest), f"{view}'s checkpoint is not the log's"


def _profile(row: dict[str, Any]) -> dict[str, Any]:
    own = ("subject", "partition", "who_at", "who_position", "last_contact_position")
    plain_row = {name: value for name, value in row.items() if name not in own}
    return plain_row | {name: _numbers(row[name]) for name in ("spent", "discounts")}


def _numbers(sums: dict[str, dict[str, str]]) -> dict[str, dict[str, Decimal]]:
    return {a: {b: Decimal(amount) for b, amount in inner.items()} for a, inner in sums.items()}


def _totals(there: World, table: Table) -> dict[tuple[Any, ...], dict[str, Any]]:
    keys = [column.name for column in table.primary_key]
    return _nonzero(
        {
            tuple(row[name] for name in keys): {n: v for n, v in row.items() if n not in keys}
            for row in rows(there, table)
        }
    )


def _nonzero(totals: dict[tuple[Any, ...], dict[str, Any]]) -> dict[tuple[Any, ...], Any]:
    return {w: {n: v for n, v in sums.items() if v} for w, sums in totals.items()}
