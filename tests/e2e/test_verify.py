"""`backbone verify`, as an operator meets it."""

import json
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from backbone.embedded import running
from tests.e2e.processes import (
    BACKBONE,
    STOP_SECONDS_MAX,
    Up,
    backbone,
    data_folder,
    environment,
    servers_of,
)
from tests.serving import complaint, purchase
from tests.stores import ask


@pytest.fixture
def recorded() -> Iterator[Path]:
    """Given a purchase and a complaint, recorded and in the views."""
    with data_folder() as data_dir:
        with Up(data_dir) as program:
            program.post(purchase("crm:1", id="p-1"))
            token = program.post(complaint("crm:1", id="c-1")).json()["token"]
            for path in ("", "/timeline"):
                program.http.get(f"/v1/customers/crm:1{path}?at_least={token}")
        yield data_dir


def test_it_tells_that_all_is_the_same_and_what_differs_first(recorded: Path) -> None:
    well = backbone(recorded, "verify")
    assert well.returncode == 0, well.stderr
    assert "Nothing is missing, nothing is doubled." in well.stdout
    assert "Store and views" in well.stderr
    with running(recorded) as server:
        ask(server.url("store"), "DELETE FROM events WHERE sequence = 2")
    differs = backbone(recorded, "verify")
    assert differs.returncode == 1, differs.stderr
    assert "sequence 2: missing." in differs.stdout
    found = json.loads(backbone(recorded, "verify", "--json").stdout)
    assert not found["same"]
    store, *views = found["compared"]
    assert store["name"] == "store"
    assert [(d["kind"], d["first"], d["last"]) for d in store["differences"]] == [("missing", 2, 2)]
    assert [(v["name"], v["differences"][0]["kind"]) for v in views] == [
        ("profile g1", "other-digest"),
        ("timeline g1", "other-digest"),
    ]


def test_what_cannot_be_reached_is_told_and_compares_nothing(recorded: Path) -> None:
    answer = backbone(recorded, "verify", settings={"BACKBONE_KAFKA": "127.0.0.1:1"})
    assert (answer.returncode, answer.stdout) == (3, "")
    assert "Kafka" in answer.stderr


def test_ctrl_c_ends_it(recorded: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings = {"BACKBONE_KAFKA": f"127.0.0.1:{silent.getsockname()[1]}"}
        with (
            subprocess.Popen(
                [BACKBONE, "verify"],
                env=environment(recorded) | settings,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            ) as process,
            silent.accept()[0],
        ):  # it is at the topic now, and gets no answer
            process.send_signal(signal.SIGINT)
            said, faults = process.communicate(timeout=STOP_SECONDS_MAX)
    assert (process.returncode, said) == (130, "")
    assert "Traceback" not in faults
    assert not servers_of(recorded)
