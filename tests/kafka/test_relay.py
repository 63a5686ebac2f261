"""Given a store, when a relay runs, then every event is on the topic once, in order, as stored."""

from consumers.kafka_outlet import KafkaOutlet
from consumers.kafka_producer import Producer
from consumers.kafka_topics import Tail
from consumers.ownership import Fixed
from consumers.relay import Limits
from consumers.store_watch import StoreWatch
from schemas.records import Headers
from tests.feeding import World, until
from tests.kafka.reading import carried, read_topic
from tests.kafka.relaying import Line
from tests.recorded import complaint, purchase, registered
from tests.stores import append, registration, report

NAMES = [f"n{number}" for number in range(40)]


def fill(world: World, events: int) -> None:
    world.append(*(complaint(NAMES[n % len(NAMES)]) for n in range(events)))


def test_every_event_is_there_once_in_order_and_as_stored(there: Line) -> None:
    fill(there.world, 500)
    relay = there.relay(limits=Limits(batch_events_max=64))
    there.world.append(registered("ann"), purchase("ann"), complaint("bob", text="Größe 38\n"))
    assert there.settled(relay).events == 503
    assert there.check() == 503


def test_what_is_read_back_is_the_event_that_the_store_reads(there: Line) -> None:
    there.world.append(registered("ann"), purchase("ann"), complaint("bob"))
    there.settled(there.relay())
    read = carried(read_topic(there.address, there.topic, there.partitions))
    assert sorted((event for _, event in read), key=lambda e: e.position) == there.world.log()
    assert {epoch for epoch, _ in read} == {there.world.history.info.epoch}


def test_values_are_on_the_topic_as_they_were_sealed(there: Line) -> None:
    draft = registration(there.world.store, "crm:1", "r1", phone="+3225550101")
    append(there.world.store, draft)
    report(there.world.store, "crm:1", "c1", text="My kettle is broken.")
    there.settled(there.relay())
    assert there.check() == 3  # the customer was opened, registered, and complained
    for record in read_topic(there.address, there.topic, there.partitions):
        everything = record.value + record.key + b"".join(value for _, value in record.headers)
        for plain in (b"Peeters", b"3225550101", b"kettle", b"crm:1"):
            assert plain not in everything


def test_it_goes_on_from_the_topic_and_needs_no_memory_of_its_own(there: Line) -> None:
    for round_ in range(3):
        fill(there.world, 30)
        relay = there.relay()
        assert there.settled(relay).events == 30
        relay.stop()
        if round_ == 1:
            with there.pool.connection() as connection:
                connection.execute("DELETE FROM relayed")
    assert there.check() == 90


def test_the_row_in_the_store_follows_as_a_lower_bound(there: Line) -> None:
    fill(there.world, 30)
    first = there.relay()
    there.settled(first)
    until(lambda: there.relayed.read() is not None, "the position is saved")
    saved = there.relayed.read()
    assert saved is not None
    assert (saved.epoch, saved.position) == (there.world.history.info.epoch, 30)
    first.stop()
    relay = there.relay()
    for _ in range(3):  # faster than it is saved
        fill(there.world, 1)
        there.settled(relay)
    relay.stop()
    saved = there.relayed.read()
    assert saved is not None
    assert saved.position == 33


def test_where_nobody_notifies_it_a_poll_is_enough(there: Line) -> None:
    deaf = StoreWatch(there.world.store_url)  # never started: it hears nothing, and can be asked
    relay = there.relay(watch=deaf)
    for _ in range(3):
        fill(there.world, 1)
        there.settled(relay)
    relay.stop()
    deaf.stop()
    assert there.check() == 3


class Measured:
    """An outlet that tells how many bytes each of its transactions took."""

    def __init__(self, outlet: KafkaOutlet) -> None:
        self._outlet = outlet
        self.batches: list[list[int]] = []

    def open(self) -> tuple[Producer, Tail]:
        self._producer, tail = self._outlet.open()
        return self, tail

    def begin(self) -> None:
        self.batches.append([])
        self._producer.begin()

    def send(self, partition: int, key: bytes, value: bytes, headers: Headers) -> None:
        self.batches[-1].append(len(value))
        self._producer.send(partition, key, value, headers)

    def commit(self) -> None:
        self._producer.commit()

    def close(self) -> None:
        self._producer.close()


def test_one_transaction_is_bounded_in_events_and_in_bytes(there: Line) -> None:
    fill(there.world, 40)
    there.world.append(*(complaint("ann", text="x" * 50_000) for _ in range(40)))
    there.world.append(complaint("bob", text="x" * 300_000))
    fill(there.world, 40)
    outlet = Measured(there.outlet())
    relay = there.relay(outlet, limits=Limits(batch_events_max=30, batch_bytes_max=200_000))
    there.settled(relay)
    assert max(map(len, outlet.batches)) == 30
    assert sorted(map(sum, outlet.batches))[-2] <= 200_000  # all but the one that is larger itself
    assert there.check() == 121


def test_a_standby_is_quiet_until_the_active_one_ends(there: Line) -> None:
    fill(there.world, 20)
    active = there.relay()
    there.settled(active)
    standby = there.relay()
    until(lambda: standby.health.now().state == "standby", "it stands by")
    fill(there.world, 20)
    there.settled(active)
    assert standby.health.now().events == 0
    active.stop()
    fill(there.world, 20)
    there.settled(standby)
    assert there.check() == 60


def test_its_lock_lost_it_stands_by_and_another_takes_over(there: Line) -> None:
    first = there.relay()
    fill(there.world, 20)
    there.settled(first)
    second = there.relay()
    until(lambda: second.health.now().state == "standby", "it stands by")
    for _ in range(5):
        there.world.cut(f"backbone relay {there.topic}"[:63])
        fill(there.world, 20)
        until(
            lambda: {one.health.now().state for one in (first, second)} == {"active", "standby"},
            "one of them is active",
        )
    until(lambda: any(one.health.now().position == 120 for one in (first, second)), "all is there")
    first.stop()
    there.settled(second)
    assert there.check() == 120


def test_two_at_once_for_want_of_a_lock_still_write_each_event_once(there: Line) -> None:
    relays = [there.relay(lock=Fixed([0])) for _ in range(2)]
    for _ in range(20):
        fill(there.world, 10)
    until(lambda: any(one.health.now().position == 200 for one in relays), "all is there")
    for relay in relays:
        relay.stop()
    assert there.check() == 200
