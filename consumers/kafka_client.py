"""What all clients of Kafka here have in common: how they reconnect, and faults as ours.

Only the class of a fault is ever told: kafka-python's texts repeat addresses and records.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from schemas.errors import BackboneError, Unavailable

BOOTSTRAP_SECONDS_MAX = 10.0
"""How long a client looks for the first broker that answers."""

RECONNECT_SECONDS_MAX = 1.0
"""Between two tries to reach a broker; by kafka-python's own default it is half a minute."""

Addresses = tuple[str, ...]
"""Bootstrap addresses, `host:port` each."""


def common(addresses: Addresses) -> dict[str, Any]:
    """The settings that every client takes."""
    return {
        "bootstrap_servers": list(addresses),
        "bootstrap_timeout_ms": int(1000 * BOOTSTRAP_SECONDS_MAX),
        "reconnect_backoff_max_ms": int(1000 * RECONNECT_SECONDS_MAX),
        "retry_backoff_ms": 20,
    }


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
