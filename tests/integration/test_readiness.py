"""Readiness is answered whatever stands still, and soon."""

import time
from pathlib import Path

from tests.feeding import until
from tests.serving import complaint, serving
from tests.stores import unreachable

ANSWER_SECONDS_MAX = 3.0


def test_readiness_is_told_within_seconds_while_the_store_is_down(
    postgres: str, tmp_path: Path
) -> None:
    with serving(postgres, tmp_path) as served:
        served.token(complaint("crm:1"))
        until(lambda: served.http.get("/ready").status_code == 200, "all is well")
        with unreachable(served.at.store):
            for _ in range(3):
                began = time.monotonic()
                answer = served.http.get("/ready")
                assert time.monotonic() - began < ANSWER_SECONDS_MAX
                assert answer.status_code == 503
                assert "databases" in answer.json()["faults"]
        until(lambda: served.http.get("/ready").status_code == 200, "all is well again")
