"""The data folder that every test of the embedded PostgreSQL gets."""

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from backbone.embedded import cluster


@pytest.fixture
def folder() -> Iterator[Path]:
    """A data folder's place that is open to the server's user; whatever still runs is killed."""
    above = Path(tempfile.mkdtemp(prefix="backbone embedded ", dir="/tmp"))
    yield above / "my data"
    for path in above.rglob("postmaster.pid"):
        if pid := cluster.postmaster(path.parent):
            os.kill(pid, signal.SIGKILL)
    shutil.rmtree(above)
