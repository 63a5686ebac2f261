"""The program in docs/operations.md by which any reader proves that it missed nothing, as it stands
there."""

import os
import re
import subprocess
import sys
from pathlib import Path

from consumers.kafka_topics import CUSTOMER_EVENTS, read_tail
from tests.kafka.broker import Broker
from tests.kafka.feeding import KafkaBench, kafka_bench
from tests.recorded import complaint

ROOT = Path(__file__).parent.parent.parent
SECTION = "## Prove that you missed nothing"


def program() -> str:
    """The one block of Python in that section."""
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    (found,) = re.findall(r"```python\n(.*?)```", page.split(SECTION)[1].split("\n## ")[0], re.S)
    return str(found)


def run(bench: KafkaBench) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", program()],
        env=os.environ | {"BACKBONE_KAFKA": bench.addresses[0]},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_it_counts_every_event_and_tells_one_that_is_missing(broker: Broker) -> None:
    with kafka_bench(broker.address, CUSTOMER_EVENTS) as bench:
        for size in (1, 30, 9):
            bench.append([complaint(f"n{number}") for number in range(size)])
            bench.abort([complaint("ann")])
        well = run(bench)
        assert well.returncode == 0, well.stderr
        assert well.stdout.startswith("40 events, none missing, none twice: {")
        (last,) = (e for e in bench.log() if e.position == 40)
        bench.producer.begin()
        bench.send([last._replace(sequence=last.sequence + 2)])
        bench.producer.commit()
        read_tail(bench.addresses, bench.topic, bench.partitions)  # until it can be read
        found = run(bench)
    assert found.returncode == 1
    said = f"partition {last.partition}: {last.sequence + 2} came instead of {last.sequence + 1}"
    assert said in found.stderr
