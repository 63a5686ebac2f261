"""One Kafka transaction for each batch, by a producer that nobody older can interfere with.

Behind `Producer`, so that another client library, or two producers side by side, can follow with no
change elsewhere. kafka-python commits what arrived and says nothing of the rest, in places it waits
for ever, and once it has failed it keeps failing: the small functions below are what makes it safe.
"""

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

from kafka import KafkaProducer

from consumers.kafka_client import Addresses, asking_kafka, client
from schemas.errors import Broken, Unavailable
from schemas.records import Headers

RECORD_OVERHEAD_BYTES = 1_024
"""What a record and its batch take beside key, value and headers, generously."""

HEADERS_BYTES_MAX = 64 * 1024
"""More than key, headers and overhead of an event of ours can take: where that fits, it fits."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long each step of a transaction may take, in seconds.

    `delivery` is shorter than `flush`: a record is given up before the wait for it is.
    """

    request: float = 10.0
    delivery: float = 18.0
    flush: float = 20.0
    commit: float = 20.0
    transaction: float = 30.0


class Producer(Protocol):
    """Writes batches to one topic. On any exception it is not to be used again."""

    def begin(self) -> None:
        """The next batch begins."""

    def send(self, partition: int, key: bytes, value: bytes, headers: Headers) -> None:
        """One record of the batch; does not wait."""

    def commit(self) -> None:
        """All of the batch is on the topic when this returns. After an exception it may be, or
        none of it is, and the next producer's fence settles which."""

    def close(self) -> None:
        """Let go of everything, at once; raises nothing."""


class Future(Protocol):
    """What kafka-python answers to a send."""

    def succeeded(self) -> bool: ...


def _nothing() -> None:
    pass


@dataclass(frozen=True, slots=True)
class ProducerPoints:
    """A place to stop at, and the guard that can be taken out; for tests alone."""

    after_flush: Callable[[], None] = _nothing
    futures_checked: bool = True


class KafkaTransactions:
    """A `Producer` on kafka-python; made by `fencing_producer`."""

    def __init__(
        self,
        producer: Any,
        topic: str,
        record_bytes_max: int,
        patience: Patience,
        points: ProducerPoints,
    ) -> None:
        self._producer = producer
        self._topic = topic
        self._record_bytes_max = record_bytes_max
        self._patience = patience
        self._points = points
        self._sent: list[Future] = []

    def begin(self) -> None:
        """The next transaction begins."""
        self._sent = []
        with asking_kafka():
            self._producer.begin_transaction()

    def send(self, partition: int, key: bytes, value: bytes, headers: Headers) -> None:
        """One record; raises Broken for one that the topic would refuse."""
        check_size(key, value, headers, self._record_bytes_max)
        with asking_kafka():
            sent = self._producer.send(
                self._topic, value, key=key, headers=headers, partition=partition
            )
        self._sent.append(sent)

    def commit(self) -> None:
        """Raises Unavailable where anything of it is in doubt."""
        with asking_kafka():
            self._producer.flush(timeout=self._patience.flush)
        self._points.after_flush()
        if self._points.futures_checked:
            all_arrived(self._sent)
        with asking_kafka():
            commit_within(self._producer, self._patience.commit)

    def close(self) -> None:
        """Drop the connections and what is left to send."""
        let_go(self._producer)


def fencing_producer(
    addresses: Addresses,
    topic: str,
    transactional_id: str,
    record_bytes_max: int,
    *,
    patience: Patience | None = None,
    points: ProducerPoints | None = None,
) -> KafkaTransactions:
    """A producer after whose return no older one of this transactional id can commit anything.

    What an older one had begun to commit is finished by then, and what it had not is undone. Raises
    Unavailable.
    """
    patience = patience or Patience()
    producer = None
    try:
        with asking_kafka():
            producer = client(
                KafkaProducer,
                addresses,
                acks="all",
                enable_idempotence=True,
                transactional_id=transactional_id,
                transaction_timeout_ms=_ms(patience.transaction),
                linger_ms=20,
                batch_size=512 * 1024,
                compression_type="lz4",
                max_request_size=record_bytes_max + RECORD_OVERHEAD_BYTES,
                request_timeout_ms=_ms(patience.request),
                delivery_timeout_ms=_ms(patience.delivery),
                max_block_ms=_ms(patience.commit),
            )
            producer.init_transactions()
            producer.partitions_for(topic)  # else the first send would wait for it
    except Unavailable:
        if producer is not None:
            let_go(producer)
        raise
    return KafkaTransactions(
        producer, topic, record_bytes_max, patience, points or ProducerPoints()
    )


def check_size(key: bytes, value: bytes, headers: Headers, bytes_max: int) -> None:
    """Raises Broken for a record that the topic would refuse: sent, it would spoil the producer,
    and every later batch with it, for ever."""
    if len(value) + HEADERS_BYTES_MAX <= bytes_max:
        return
    size = len(key) + len(value) + sum(len(name) + len(held) for name, held in headers)
    if size + RECORD_OVERHEAD_BYTES > bytes_max:
        at = dict(headers).get("ce_position", b"?").decode()
        raise Broken(
            f"the event at position {at} has {size} bytes, and the topic takes {bytes_max}: raise "
            "the topic's max.message.bytes, then start the relay again"
        )


def all_arrived(sent: Iterable[Future]) -> None:
    """Raises Unavailable unless the broker has taken every record.

    A send that ran out of time fails in its future alone: `flush` and `commit_transaction` raise
    nothing, and the transaction would be committed with holes (0, 1, 10 … 14 of 0 … 14 was seen).
    """
    lost = sum(not one.succeeded() for one in sent)
    if lost:
        raise Unavailable(f"Kafka did not take {lost} records of a batch")


def commit_within(producer: Any, seconds: float) -> None:
    """Commit, and wait so long; raises Unavailable after it, or what kafka-python raises.

    `commit_transaction` waits for ever where the coordinator's port refused a connection just then,
    even when the broker is back; so its two halves are done here.
    """
    result = producer._transaction_manager.begin_commit()
    producer._sender.wakeup()
    if not result.wait(timeout_ms=_ms(seconds)):
        raise Unavailable("Kafka did not say in time whether a batch is committed")


def let_go(producer: Any) -> None:
    """Close without waiting. `close` flushes first, and where records are left it raises before it
    has stopped its thread, which would go on knocking at the broker."""
    with suppress(Exception):
        producer.close(timeout=0)
        return
    with suppress(Exception):
        producer._sender.force_close()
        producer._closed = True


def _ms(seconds: float) -> int:
    return int(1000 * seconds)
