"""Kafka and PostgreSQL in containers, where a Docker engine answers.

Written against the documentation of testcontainers and of the images: no engine was at hand when it
was written, and it has not been run.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.kafka.broker import SETTINGS, START_SECONDS_MAX
from tests.kafka.jars import KAFKA_VERSION, NotHere
from tests.kafka.metadata import wait_until_it_answers

KAFKA_IMAGE = f"apache/kafka:{KAFKA_VERSION}"
POSTGRES_IMAGE = "postgres:18"
_KAFKA_PORT, _CONTROLLER_PORT = 29092, 29093
_SOCKET = Path("/var/run/docker.sock")


def engine_answers() -> bool:
    """Whether there is a Docker engine; where nothing points to one, nothing is imported."""
    if "DOCKER_HOST" not in os.environ and not _SOCKET.exists():
        return False
    import docker

    try:
        docker.from_env(timeout=5).ping()
    except Exception:  # whatever it is, there is no engine for us
        return False
    return True


@contextmanager
def kafka_container() -> Iterator[str]:
    """The address of a broker in a container; raises NotHere."""
    from testcontainers.core.container import DockerContainer

    container = DockerContainer(KAFKA_IMAGE)
    host = container.get_docker_client().host()
    address = f"{host}:{_KAFKA_PORT}"
    # The image turns KAFKA_A_B into the property a.b.
    properties = {
        "node.id": "1",
        "process.roles": "broker,controller",
        "controller.listener.names": "CONTROLLER",
        "controller.quorum.voters": f"1@localhost:{_CONTROLLER_PORT}",
        "listeners": f"PLAINTEXT://:{_KAFKA_PORT},CONTROLLER://:{_CONTROLLER_PORT}",
        "advertised.listeners": f"PLAINTEXT://{address}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        **SETTINGS,
    }
    # The port is the same on both sides, because clients are told it before it is known outside.
    container.with_bind_ports(_KAFKA_PORT, _KAFKA_PORT)
    for name, value in properties.items():
        container.with_env("KAFKA_" + name.replace(".", "_").upper(), value)
    with _started(container, KAFKA_IMAGE):
        if not wait_until_it_answers(address, START_SECONDS_MAX, lambda: True):
            raise NotHere(f"the container of {KAFKA_IMAGE} does not answer")
        yield address


@contextmanager
def postgres_container() -> Iterator[str]:
    """The URL of a PostgreSQL in a container, for SQLAlchemy; raises NotHere."""
    from testcontainers.community.postgres import PostgresContainer

    container = PostgresContainer(POSTGRES_IMAGE, driver="psycopg")
    container.with_command("postgres -c fsync=off -c max_connections=200")
    with _started(container, POSTGRES_IMAGE):
        yield container.get_connection_url()


@contextmanager
def _started(container: Any, image: str) -> Iterator[None]:
    try:
        container.start()
    except Exception as error:
        kind = type(error).__name__
        raise NotHere(f"a Docker engine answers, but no container of {image}: {kind}") from error
    try:
        yield
    finally:
        container.stop()
