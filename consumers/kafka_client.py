"""What all clients of Kafka here have in common: how they reconnect, and faults as ours.

Only the class of a fault is ever told: kafka-python's texts repeat addresses and records.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from kafka.net.compat import KafkaNetClient

from schemas.errors import BackboneError, Unavailable

BOOTSTRAP_SECONDS_MAX = 5.0
"""How long a client looks for the first broker that answers."""

RECONNECT_SECONDS_MAX = 1.0
"""Between two tries to reach a broker; by kafka-python's own default it is half a minute."""

Addresses = tuple[str, ...]
"""Bootstrap addresses, `host:port` each."""


def client(make: Callable[..., Any], addresses: Addresses, **settings: Any) -> Any:
    """A consumer, producer or administrator; raises what kafka-python does where no broker answers.

    A constructor that fails leaves its thread and its sockets behind: trying again for a day would
    use up all that a process may have. So they are kept hold of, and ended.
    """
    under: list[Any] = []

    def net(**config: Any) -> Any:
        under.append(KafkaNetClient(**config))
        return under[-1]

    try:
        return make(
            bootstrap_servers=list(addresses),
            bootstrap_timeout_ms=int(1000 * BOOTSTRAP_SECONDS_MAX),
            reconnect_backoff_max_ms=int(1000 * RECONNECT_SECONDS_MAX),
            retry_backoff_ms=20,
            kafka_client=net,
            **settings,
        )
    except BaseException:
        for each in under:
            each.close()
        raise


@contextmanager
def asking_kafka() -> Iterator[None]:
    """Anything asked of kafka-python: raises Unavailable, whatever it raised.

    Its exceptions vary too much to be told apart (a fenced producer alone has four), and what to do
    is the same: drop the client and begin anew.
    """
    try:
        yield
    except BackboneError:
        raise
    except Exception as error:
        raise Unavailable(f"Kafka did not do it ({type(error).__name__})") from None
