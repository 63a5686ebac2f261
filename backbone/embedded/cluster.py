"""The cluster's files, made once by initdb, checked at every start; and the server's settings."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

from backbone.embedded.account import Account
from backbone.embedded.program import MAJOR
from backbone.embedded.server import SUPERUSER, EmbeddedError

# No row, no statement and no parameter may reach the log: PostgreSQL prints rows in DETAIL
# (unique violations), values in the message itself (bad casts) and statements beside both. So
# errors stay out of the log altogether (`log` ranks above `error` in log_min_messages): whoever
# caused one has been told. What the server itself does (start, recovery, a crashed backend) is
# logged, tersely, because the crash's DETAIL prints the statement.
_SILENCE = {
    "log_destination": "stderr",
    "logging_collector": "off",
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_statement": "none",
    "log_duration": "off",
    "log_min_duration_statement": "-1",
    "log_min_duration_sample": "-1",
    "log_transaction_sample_rate": "0",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_lock_waits": "off",
    "log_temp_files": "-1",
    "log_replication_commands": "off",
    "log_checkpoints": "off",
    "log_timezone": "UTC",
}
# Whoever reaches the socket is superuser: the folder and these two keep everybody else out.
_CLOSED = {"listen_addresses": "", "unix_socket_permissions": "0700"}
_SETTINGS = {
    **_CLOSED,
    **_SILENCE,
    "fsync": "on",
    "max_connections": "200",
    "timezone": "UTC",
}


def initdb(program: Path, folder: Path, options: Mapping[str, str]) -> list[str | Path]:
    """The command that makes a cluster in an empty folder.

    The locale is stated and built in: taken from the environment it may be one that is not
    installed, and would sort differently on every machine.
    """
    command: list[str | Path] = [program / "bin" / "initdb", "-D", folder, "-U", SUPERUSER]
    command += ["--auth-local=trust", "--auth-host=reject", "--data-checksums", "--encoding=UTF8"]
    command += ["--no-instructions"]
    command += ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    # Also in the cluster's own file, so that a server started by hand is not open to others.
    command += [f"--set={name}={value}" for name, value in _CLOSED.items()]
    if options.get("fsync") == "off":
        command.append("--no-sync")
    return command


def postgres(
    program: Path, folder: Path, socket_dir: Path, options: Mapping[str, str]
) -> list[str | Path]:
    """The command that runs the server. What is said here outranks the cluster's own files."""
    settings = {**_SETTINGS, **options, "unix_socket_directories": str(socket_dir)}
    command: list[str | Path] = [program / "bin" / "postgres", "-D", folder]
    for name, value in settings.items():
        command += ["-c", f"{name}={value}"]
    return command


def in_background(command: Sequence[str | Path]) -> list[str | Path]:
    """The same command, as a child of init: nobody of ours must live on to reap it."""
    return ["/bin/sh", "-c", '"$@" &', "sh", *command]


def exists(folder: Path, account: Account) -> bool:
    """Whether a usable cluster lies there; raises EmbeddedError for one that cannot be used."""
    if not folder.is_dir() or not any(folder.iterdir()):
        return False
    owner = folder.stat().st_uid
    if owner != account.uid:
        raise EmbeddedError(
            f"{folder} belongs to user {owner}, and PostgreSQL would run as user {account.uid}; "
            "run as the user who made it, or set BACKBONE_DATA_DIR to another folder."
        )
    try:
        made_by = (folder / "PG_VERSION").read_text().strip()
    except FileNotFoundError:
        raise EmbeddedError(
            f"{folder} is neither empty nor a PostgreSQL cluster; nothing in it was touched. Move "
            "it away, or set BACKBONE_DATA_DIR to another folder."
        ) from None
    if made_by != str(MAJOR):
        raise EmbeddedError(
            f"{folder} was made by PostgreSQL {made_by}, and this program brings {MAJOR}; dump it "
            f"with the release that made it and restore it, or set BACKBONE_DATA_DIR to another "
            "folder."
        )
    return True


def clear_unfinished(folder: Path) -> None:
    """Remove what an initdb that was killed left behind."""
    if folder.exists():
        shutil.rmtree(folder)


def postmaster(folder: Path) -> int | None:
    """The process id of the living server of this cluster, whatever state it is in, else None.

    The pid file alone proves nothing: after a crash its number may be anybody's. The command line
    is compared, and not the working folder, which root in a container may not see.
    """
    pid = _noted_pid(folder)
    try:
        found = psutil.Process(pid).cmdline() if pid else []
    except psutil.Error:
        return None
    return pid if str(folder) in found else None


def forget_recycled_pid(folder: Path) -> None:
    """Remove a pid file whose number now belongs to a process that is no PostgreSQL.

    PostgreSQL itself sees through a number that is free, and looks for left-over children then; a
    number that was given out again, or a zombie's, it takes for a living server, and refuses to
    start. Only for a caller who knows that no process of ours has this cluster open.
    """
    pid = _noted_pid(folder)
    try:
        process = psutil.Process(pid) if pid else None
        living = process is not None and process.status() != psutil.STATUS_ZOMBIE
        if process is None or (living and process.name() == "postgres"):
            return
    except psutil.Error:
        return
    (folder / "postmaster.pid").unlink(missing_ok=True)


def _noted_pid(folder: Path) -> int | None:
    try:
        first = (folder / "postmaster.pid").read_text().splitlines()[0]
        return abs(int(first)) or None  # negative: a single-user server
    except (OSError, ValueError, IndexError):
        return None
