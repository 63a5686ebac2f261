"""Who runs PostgreSQL: the user who runs us, or a system user where that is root (it refuses)."""

import os
import pwd
import shutil
import stat
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from backbone.embedded.server import EmbeddedError

SYSTEM_USER = "backbone-pg"
_ALREADY_THERE = 9  # useradd's exit code when the name is taken: another process was first


@dataclass(frozen=True)
class Account:
    """The user that owns the cluster and runs the server; `is_other` when root runs us."""

    uid: int
    gid: int
    is_other: bool

    def run(self, command: Sequence[str | Path], *, output: int, pass_fds: Sequence[int]) -> int:
        """Run a program as this user; returns its exit code. Its output goes to the file `output`.

        It gets a session of its own, so that Ctrl-C in the terminal does not reach it before we
        have drained, and no environment of ours, whose PG* and LC_* names would steer it.
        """
        return subprocess.run(
            [str(part) for part in command],
            check=False,
            cwd="/",  # ours may be closed to this user
            env={"PATH": os.defpath, "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            pass_fds=pass_fds,
            start_new_session=True,
            umask=0o077,
            user=self.uid if self.is_other else None,
            group=self.gid if self.is_other else None,
            extra_groups=[] if self.is_other else None,
        ).returncode

    def own(self, folder: Path) -> None:
        """Give a folder to this user alone."""
        if self.is_other:
            os.chown(folder, self.uid, self.gid)
        folder.chmod(0o700)

    def owns_alone(self, folder: Path) -> bool:
        """Whether it is a real folder that belongs to this user and is closed to all others."""
        try:
            found = folder.lstat()
        except OSError:
            return False
        closed = stat.S_IMODE(found.st_mode) & 0o077 == 0
        return stat.S_ISDIR(found.st_mode) and found.st_uid == self.uid and closed

    def can_run(self, program: Path) -> bool:
        """Whether this user reaches and may run the file."""
        target = program.resolve()  # a link's own path and its target's both have to be open
        steps = {program, *program.parents, target, *target.parents}
        return not self.is_other or all(self._may_pass(step.stat()) for step in steps)

    def open_way(self, folder: Path) -> None:
        """Let this user pass through a folder and its parents; nobody is let in to read them."""
        if not self.is_other:
            return
        for step in (*reversed(folder.parents), folder):
            found = step.stat()
            if not self._may_pass(found):
                step.chmod(stat.S_IMODE(found.st_mode) | stat.S_IXOTH)

    def _may_pass(self, found: os.stat_result) -> bool:
        if found.st_uid == self.uid:
            return bool(found.st_mode & stat.S_IXUSR)
        if found.st_gid == self.gid:
            return bool(found.st_mode & stat.S_IXGRP)
        return bool(found.st_mode & stat.S_IXOTH)


def for_this_process() -> Account:
    """The account for servers of this process; as root the system user is made when missing."""
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid(), is_other=False)
    try:
        entry = pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        entry = _made()
    return Account(entry.pw_uid, entry.pw_gid, is_other=True)


def _made() -> pwd.struct_passwd:
    useradd = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")
    if useradd is None:
        raise EmbeddedError(
            "PostgreSQL does not run as root, and useradd is missing to make a user for it; run as "
            f"an ordinary user, or make a system user named {SYSTEM_USER}."
        )
    command = [useradd, "--system", "--user-group", "--no-create-home"]
    command += ["--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin", SYSTEM_USER]
    run = subprocess.run(command, check=False, capture_output=True, text=True)
    if run.returncode not in (0, _ALREADY_THERE):
        raise EmbeddedError(
            f"The system user {SYSTEM_USER} for PostgreSQL could not be made: {run.stderr.strip()}"
        )
    return pwd.getpwnam(SYSTEM_USER)
