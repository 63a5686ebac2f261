"""The relay's way to its topic: there it is, nobody older can write to it, and this is its end."""

from consumers.kafka_client import Addresses
from consumers.kafka_producer import Patience, Producer, ProducerPoints, fencing_producer
from consumers.kafka_topics import Tail, ensure_topic, read_tail


class KafkaOutlet:
    """Opens producers of one topic, each of which fences the one before, in whatever process.

    All relays of a topic share one transactional id; only a test that wants to see the topic break
    gives another.
    """

    def __init__(
        self,
        addresses: Addresses,
        topic: str,
        partitions: int,
        *,
        transactional_id: str | None = None,
        patience: Patience | None = None,
        points: ProducerPoints | None = None,
    ) -> None:
        self._addresses = addresses
        self._topic = topic
        self._partitions = partitions
        self._transactional_id = transactional_id or f"relay-{topic}"
        self._patience = patience
        self._points = points

    def open(self) -> tuple[Producer, Tail]:
        """First fence, then read the end: in the other order an older relay could still move it.

        Raises Broken for a topic that does not fit the store, Unavailable where Kafka does not
        answer.
        """
        record_bytes_max = ensure_topic(self._addresses, self._topic, self._partitions)
        producer = fencing_producer(
            self._addresses,
            self._topic,
            self._transactional_id,
            record_bytes_max,
            patience=self._patience,
            points=self._points,
        )
        try:
            return producer, read_tail(self._addresses, self._topic, self._partitions)
        except BaseException:
            producer.close()
            raise
