"""Starting, sharing and stopping the server, so that any process may die at any point.

Three locks, on files beside the cluster:
- `start`: whoever starts, attaches to or stops the server holds it alone, so that two processes
  racing start one server, and the last to leave sees that it is the last;
- `users`: every process that uses the server holds it, shared; who can take it alone is the last;
- `alive`: the server itself holds it, inherited by every process of PostgreSQL. While it is held,
  something still has the cluster open, be it only an orphan of a killed postmaster; when it is
  free, nothing has. No pid file, zombie or recycled process id can say otherwise.
"""

import os
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from backbone.embedded import account as accounts
from backbone.embedded import cluster, sockets
from backbone.embedded.account import Account
from backbone.embedded.locks import FileLock, alone
from backbone.embedded.program import within_reach
from backbone.embedded.server import EmbeddedError, Server

DATABASES = ("store", "views")
STOP_SECONDS_MAX = 60.0
_KILL_SECONDS_MAX = 10.0
_CONNECT_SECONDS_MAX = 10
_POLL_SECONDS = 0.02
_POLL_SECONDS_MAX = 0.5
_LOG_BYTES_MAX = 8 * 1024 * 1024


class StillStartingError(EmbeddedError):
    """The server was given up on while it recovers; it goes on, and can be attached to later."""


@dataclass(frozen=True)
class _Place:
    """The folders and files of one server, and who runs it."""

    data_dir: Path
    program: Path
    account: Account
    options: Mapping[str, str]

    @property
    def cluster(self) -> Path:
        return self.data_dir / "postgres"

    @property
    def log(self) -> Path:
        return self.data_dir / "postgres.log"

    @property
    def socket_record(self) -> Path:
        return self.data_dir / "postgres.socket"

    def lock(self, name: str) -> Path:
        return self.data_dir / f"postgres.{name}.lock"


@contextmanager
def used(
    data_dir: Path, program: Path, options: Mapping[str, str], start_seconds_max: float
) -> Iterator[Server]:
    """See `backbone.embedded.running`."""
    deadline = time.monotonic() + start_seconds_max
    place = _prepared(data_dir, program, options)
    with FileLock(place.lock("users")) as users:
        with alone(place.lock("start"), seconds_max=start_seconds_max):
            users.take_shared()
            server = _joined(place, users, deadline)
        try:
            yield server
        finally:
            with alone(place.lock("start"), seconds_max=STOP_SECONDS_MAX + _KILL_SECONDS_MAX):
                _leave(place, users)


def _prepared(data_dir: Path, program: Path, options: Mapping[str, str]) -> _Place:
    account = accounts.for_this_process()
    folder = data_dir.resolve()
    try:
        folder.mkdir(mode=0o711 if account.is_other else 0o700, parents=True, exist_ok=True)
        account.open_way(folder)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError
    except PermissionError:
        raise EmbeddedError(
            f"{folder} cannot be written by this user; set BACKBONE_DATA_DIR to a folder that can."
        ) from None
    return _Place(folder, program, account, options)


def _joined(place: _Place, users: FileLock, deadline: float) -> Server:
    """The server with its databases. Whatever fails, Ctrl-C too, leaves no server behind."""
    try:
        server = _attached_or_started(place, deadline)
        _create_missing_databases(server)
    except StillStartingError:
        raise  # stopped now, a long recovery would begin anew at every start
    except BaseException:
        _leave(place, users)
        raise
    return server


def _attached_or_started(place: _Place, deadline: float) -> Server:
    """The server, once it answers; started if nothing has the cluster open."""
    started = False
    poll_seconds = _POLL_SECONDS
    while True:
        with FileLock(place.lock("alive")) as alive:
            if alive.take_exclusive():
                if started:
                    raise EmbeddedError(f"PostgreSQL ended at its start; its log: {place.log}")
                _start(place, alive)
                started = True
        server = _answering(place)
        if server is not None:
            return server
        if time.monotonic() > deadline:
            raise StillStartingError(
                "PostgreSQL does not answer yet. It may still be recovering from a crash, and goes "
                f"on doing so: start again later. Its log: {place.log}"
            )
        time.sleep(poll_seconds)
        poll_seconds = min(poll_seconds * 1.5, _POLL_SECONDS_MAX)


def _start(place: _Place, alive: FileLock) -> None:
    """Start the server, and the cluster if there is none. It inherits the lock `alive`."""
    program = within_reach(place.program, place.account, place.data_dir)
    output = _opened_log(place.log)
    try:
        if not cluster.exists(place.cluster, place.account):
            _make_cluster(place, program, alive, output)
        cluster.forget_recycled_pid(place.cluster)
        socket_dir = sockets.prepared(place.socket_record, place.account)
        command = cluster.postgres(program, place.cluster, socket_dir, place.options)
        background = cluster.in_background(command)
        place.account.run(background, output=output, pass_fds=[alive.fd])
    finally:
        os.close(output)


def _make_cluster(place: _Place, program: Path, alive: FileLock, output: int) -> None:
    # Made under another name and renamed when whole: an initdb that is killed half-way would
    # otherwise leave a folder that looks like a cluster and never starts.
    unfinished = place.cluster.with_name("postgres.new")
    cluster.clear_unfinished(unfinished)
    unfinished.mkdir(mode=0o700)
    place.account.own(unfinished)
    command = cluster.initdb(program, unfinished, place.options)
    if place.account.run(command, output=output, pass_fds=[alive.fd]) != 0:
        raise EmbeddedError(f"PostgreSQL's initdb failed; its log: {place.log}")
    unfinished.rename(place.cluster)


def _opened_log(path: Path) -> int:
    """The log, open for writing by the server; the last one is kept when it has grown large."""
    if path.exists() and path.stat().st_size > _LOG_BYTES_MAX:
        path.replace(path.with_name(path.name + ".1"))
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o600)


def _answering(place: _Place) -> Server | None:
    """The server, if it takes a connection now. Only a connection proves that it lives."""
    socket_dir = sockets.recorded(place.socket_record, place.account)
    pid = cluster.postmaster(place.cluster)
    if socket_dir is None or pid is None:
        return None
    server = Server(place.data_dir, socket_dir, pid)
    try:
        conninfo = server.conninfo("postgres")
        psycopg.connect(conninfo, connect_timeout=_CONNECT_SECONDS_MAX).close()
    except psycopg.OperationalError:
        return None
    return server


def _create_missing_databases(server: Server) -> None:
    with psycopg.connect(server.conninfo("postgres"), autocommit=True) as connection:
        found = {row[0] for row in connection.execute("SELECT datname FROM pg_database")}
        for name in DATABASES:
            if name not in found:
                connection.execute(f"CREATE DATABASE {name} TEMPLATE template0")


def _leave(place: _Place, users: FileLock) -> None:
    """Stop using the server, and stop it if nobody else uses it. The lock `start` is held."""
    if users.take_exclusive():
        _stop(place)
    users.release()


def _stop(place: _Place) -> None:
    """Ask for a fast shutdown and wait for it; after STOP_SECONDS_MAX insist.

    An immediate shutdown loses nothing that was committed: the next start recovers it.
    """
    began = time.monotonic()
    sent: set[tuple[int, signal.Signals]] = set()
    while _is_alive(place):
        waited = time.monotonic() - began
        if waited > STOP_SECONDS_MAX + _KILL_SECONDS_MAX:
            raise EmbeddedError(f"PostgreSQL does not stop; its log: {place.log}")
        kind = signal.SIGINT if waited < STOP_SECONDS_MAX else signal.SIGQUIT
        pid = cluster.postmaster(place.cluster)
        if pid is not None and (pid, kind) not in sent:
            sent.add((pid, kind))
            os.kill(pid, kind)
        time.sleep(_POLL_SECONDS)
    sockets.discard(place.socket_record, place.account)


def _is_alive(place: _Place) -> bool:
    with FileLock(place.lock("alive")) as alive:
        return not alive.take_exclusive()
