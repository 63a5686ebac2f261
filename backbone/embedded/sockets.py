"""The folder of the server's socket: short, its own, closed to other users.

A socket's path may be 107 bytes long at most, and data folders lie deeper than that. So it gets a
folder with a short, unguessable name, which is recorded beside the cluster.
"""

import os
import shutil
import socket
import tempfile
from pathlib import Path

from backbone.embedded.account import Account
from backbone.embedded.server import PORT

_SOCKET = f".s.PGSQL.{PORT}"


def prepared(record: Path, account: Account) -> Path:
    """A folder for a server that is about to start, written to the file `record`.

    The recorded one is used again after a crash, so that processes that outlived the server find
    its successor. Unless a server still listens there: a copy of a data folder also copies the
    record of the original's living server.
    """
    folder = recorded(record, account)
    if folder is None or _listens(folder):
        return _made(record, account)
    # The lock file carries a process id, which PostgreSQL trusts though it may be recycled.
    for name in (_SOCKET, f"{_SOCKET}.lock"):
        (folder / name).unlink(missing_ok=True)
    return folder


def _made(record: Path, account: Account) -> Path:
    # /tmp and not TMPDIR, which may be long. As root /run, which other services of root see even
    # where systemd gives each a /tmp of its own.
    base = Path("/run") if account.is_other and Path("/run").is_dir() else Path("/tmp")
    folder = Path(tempfile.mkdtemp(prefix="backbone-", dir=base))
    account.own(folder)
    unfinished = record.with_name(record.name + ".new")
    unfinished.write_text(str(folder))
    unfinished.replace(record)
    return folder


def recorded(record: Path, account: Account) -> Path | None:
    """The recorded folder, if it is still the server's alone; None otherwise.

    A folder in /tmp that is gone may have been made again by anybody, who would then be handed the
    connections of our program.
    """
    try:
        folder = Path(record.read_text())
    except FileNotFoundError:
        return None
    return folder if account.owns_alone(folder) else None


def discard(record: Path, account: Account) -> None:
    """Remove the recorded folder, unless a server listens there."""
    folder = recorded(record, account)
    if folder is not None and not _listens(folder):
        shutil.rmtree(folder, ignore_errors=True)


def _listens(folder: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        return client.connect_ex(os.fsencode(folder / _SOCKET)) == 0
