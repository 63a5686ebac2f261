"""Where tests find a Kafka: an address that is given, a container, or Kafka's own jars.

BACKBONE_TEST_KAFKA    the address of a broker, host:port; nothing is started then
BACKBONE_TEST_DEMAND   1: where there is none, tests fail that would else be skipped
"""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import NoReturn

import pytest

from tests.containers import engine_answers, kafka_container
from tests.kafka.broker import running_broker
from tests.kafka.jars import Jars, NotHere, fetched
from tests.kafka.metadata import answers

GIVEN, DEMAND = "BACKBONE_TEST_KAFKA", "BACKBONE_TEST_DEMAND"
_HELP = f"set {GIVEN}, or start Docker, or install a JVM 17 and Maven"


@contextmanager
def found_kafka() -> Iterator[str]:
    """The address of a broker that answers; without one the test is skipped, or fails where CI
    demands it."""
    given = os.environ.get(GIVEN)
    if given:
        if not answers(given.partition(",")[0]):
            pytest.fail(f"{GIVEN}: no broker answers there", pytrace=False)
        yield given
        return
    with ExitStack() as stack:
        try:
            address = _started(stack)
        except NotHere as reason:
            do_without(str(reason))
        yield address


def jars() -> Jars:
    """What it takes to start a broker of one's own, for tests that kill it."""
    try:
        return fetched()
    except NotHere as reason:
        do_without(f"this test kills brokers of its own: {reason}")


def do_without(reason: str) -> NoReturn:
    """Skip this test, or fail it where CI demands Kafka."""
    sentence = f"no Kafka: {reason}; {_HELP}"
    if os.environ.get(DEMAND) == "1":
        pytest.fail(sentence, pytrace=False)
    pytest.skip(sentence)


def _started(stack: ExitStack) -> str:
    if engine_answers():
        return stack.enter_context(kafka_container())
    return stack.enter_context(running_broker(fetched())).address
