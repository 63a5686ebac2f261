"""The embedded PostgreSQL: a real server from a wheel, started when needed, stopped when unused.

Only the wheel's programs are used (initdb, postgres); who starts, shares and stops the server is
decided here, by locks that the kernel lets go of when a process dies.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path

from backbone.embedded import program
from backbone.embedded.server import EmbeddedError, Server

__all__ = ["EmbeddedError", "Server", "running"]


def running(
    data_dir: Path,
    *,
    options: Mapping[str, str] | None = None,
    start_seconds_max: float = 180.0,
) -> AbstractContextManager[Server]:
    """Start the PostgreSQL of `data_dir`, or attach to it, with its databases `store` and `views`.

    The cluster lies in `<data_dir>/postgres`, the server's log in `<data_dir>/postgres.log`. On
    exit the server is stopped, unless another living process uses it. `options` are PostgreSQL
    parameters laid over ours; they count only for a server that this call starts. Waits at most
    `start_seconds_max` seconds, recovery after a crash included.

    Raises EmbeddedError, when the context is entered, for anything that its message says how to
    mend: no wheel for this platform, a folder of another PostgreSQL version, a server that does
    not come up.
    """
    # Looked up before anything that exists on POSIX only is imported, so that Windows gets the
    # sentence that helps and not a missing module.
    found = program.find()
    from backbone.embedded.lifetime import used

    return used(data_dir, found, options or {}, start_seconds_max)
