"""A topic filled by the relay's own producer, without a store, and feeds of it."""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager

from kafka import IsolationLevel, KafkaAdminClient, OffsetSpec

from consumers.kafka_feed import KafkaFeed
from consumers.kafka_members import KafkaSource
from consumers.kafka_producer import KafkaTransactions, fencing_producer
from consumers.kafka_topics import ensure_topic
from schemas.envelope import Event
from schemas.records import to_binary
from tests.feeding import until
from tests.recorded import PARTITIONS, numbered

EPOCH = 42


class KafkaBench:
    """A topic of its own. `append` writes one transaction, as a relay does for each batch."""

    def __init__(self, address: str, topic: str) -> None:
        self.partitions = PARTITIONS
        self.epoch = EPOCH
        self.topic = topic
        self.addresses = (address,)
        self.source = KafkaSource(self.addresses, topic, PARTITIONS, session_seconds=2.0)
        self._log: list[Event] = []
        self._admin = KafkaAdminClient(bootstrap_servers=address)
        largest = ensure_topic(self.addresses, topic, PARTITIONS)
        self.producer: KafkaTransactions = fencing_producer(
            self.addresses, topic, f"relay-{topic}", largest
        )

    def feed(self, partitions: Collection[int] | None = None) -> KafkaFeed:
        return KafkaFeed(self.source, f"view of {self.topic}", partitions)

    def append(self, events: Sequence[Event]) -> None:
        self.append_slowly(events)()

    def append_slowly(self, events: Sequence[Event]) -> Callable[[], None]:
        new = numbered([*self._log, *events])[len(self._log) :]
        self.producer.begin()
        self.send(new)
        self.producer._producer.flush()

        def commit() -> None:
            self.producer.commit()
            until(self._readable, "what is committed can be read")
            self._log += new

        return commit

    def send(self, events: Sequence[Event], epoch: int = EPOCH) -> None:
        """Send them as they are, in the transaction that is open."""
        for event in events:
            headers, body = to_binary(event, epoch)
            self.producer.send(event.partition, event.subject.encode(), body, headers)

    def abort(self, events: Sequence[Event]) -> None:
        """Write these and take them back."""
        self.append_slowly(events)
        self.producer._producer.abort_transaction()

    def _readable(self) -> bool:
        """Kafka answers a commit before it has marked the partitions, and they are read after."""
        latest = dict.fromkeys(map(self.source.place, range(PARTITIONS)), OffsetSpec.LATEST)
        written, readable = (
            self._admin.list_partition_offsets(latest, level)
            for level in (IsolationLevel.READ_UNCOMMITTED, IsolationLevel.READ_COMMITTED)
        )
        return all(readable[each].offset >= written[each].offset for each in latest)

    def close(self) -> None:
        self.producer.close()
        self._admin.close()

    def log(self) -> list[Event]:
        return list(self._log)


@contextmanager
def kafka_bench(address: str, topic: str) -> Iterator[KafkaBench]:
    """A fresh one."""
    bench = KafkaBench(address, topic)
    try:
        yield bench
    finally:
        bench.close()
