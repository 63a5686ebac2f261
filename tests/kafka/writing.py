"""Other writers on a topic, which there should be none of."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

from kafka import KafkaAdminClient, KafkaProducer

from schemas.records import to_binary
from tests.recorded import complaint


@contextmanager
def admin(address: str) -> Iterator[Any]:
    """An administrator's client."""
    with closing(KafkaAdminClient(bootstrap_servers=address)) as client:
        yield client


def make_topic(address: str, topic: str, partitions: int, **settings: str) -> None:
    """Make a topic by hand; `cleanup_policy` sets cleanup.policy."""
    configs = {name.replace("_", "."): value for name, value in settings.items()}
    wanted = {"num_partitions": partitions, "replication_factor": 1, "configs": configs}
    with admin(address) as client:
        client.create_topics({topic: wanted})
        client.wait_for_topics([topic])


def delete_topic(address: str, topic: str) -> None:
    """Delete it, and return when it is gone."""
    with admin(address) as client:
        client.delete_topics([topic])
        while client.describe_topics([topic])[0]["error_code"] != 3:
            pass


@contextmanager
def writer(address: str, transactional_id: str) -> Iterator[Any]:
    """A producer with a transactional id of its own."""
    with closing(
        KafkaProducer(
            bootstrap_servers=address, transactional_id=transactional_id, retry_backoff_ms=20
        )
    ) as producer:
        producer.init_transactions()
        yield producer


def write(producer: Any, topic: str, partition: int, position: int, epoch: int) -> None:
    """One event at this position, as a relay would write it; waits until it is there."""
    headers, body = to_binary(complaint("ann")._replace(position=position), epoch)
    sent = producer.send(topic, body, key=b"s_ann", headers=headers, partition=partition)
    producer.flush()
    sent.get(timeout=20)
