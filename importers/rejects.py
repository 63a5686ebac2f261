"""The rejects file: what could not be taken, with all its rows, to be mended and imported again.

It is CSV, because a spreadsheet can mend it: the input's own columns, then where each row stood
and, on the rows at fault, what is wrong.
"""

import csv
import filecmp
import os
import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import TextIO

from importers.cells import written
from importers.items import Fault, Origin, Row
from schemas.errors import Invalid, Unavailable

MARKS = ("rejected_file", "rejected_row", "rejected_field", "rejected_reason")
"""What a rejects file says beside the input's own columns."""

_SUFFIX = re.compile(r"(\.rejects(-\d+)?)?\.\w+$")


class Rejects:
    """Collects rejected rows, and puts them in place at the end of its `with` block.

    The file appears whole or not at all, readable by its owner alone, and never in the place of
    another: an earlier rejects file may hold somebody's mending. `path` is None without rejects.
    """

    def __init__(self, origin: Origin, elsewhere: Path) -> None:
        """`elsewhere` is the folder for rejects of inputs whose own folder is not to write in."""
        self._origin = origin
        self._folders = [elsewhere] if origin.installed else [origin.file.parent, elsewhere]
        self._name = _SUFFIX.sub("", origin.file.name) + ".rejects"
        self._part: tuple[TextIO, Path] | None = None
        self.path: Path | None = None

    def __enter__(self) -> "Rejects":
        return self

    def add(self, rows: Sequence[Row], faults: Iterable[Fault]) -> None:
        """Add all the rows of one event. Raises Unavailable where no folder can be written."""
        if self._part is None:
            self._part = self._begun()
        why = {fault.row: (fault.field, fault.reason) for fault in faults}
        csv.writer(self._part[0]).writerows(
            [
                *map(written, row.values),
                *(self._origin.file.name, row.number, *why.get(row.number, ("", ""))),
            ]
            for row in rows
        )

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # After a failure too: what was rejected until then is known, and would be lost.
        if self._part is not None:
            file, part = self._part
            file.flush()
            os.fsync(file.fileno())
            file.close()
            self.path = self._placed(part)

    def _begun(self) -> tuple[TextIO, Path]:
        for folder in self._folders:
            with suppress(OSError):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                handle, part = tempfile.mkstemp(".part", f".{self._name}-", folder)  # mode 0600
                file = os.fdopen(handle, "w", encoding="utf-8", newline="")
                csv.writer(file).writerow([*self._origin.columns, *MARKS])
                return file, Path(part)
        raise Unavailable("no folder can be written to keep the rejected rows in")

    def _placed(self, part: Path) -> Path:
        for number in count(1):
            path = part.with_name(f"{self._name}{'' if number == 1 else f'-{number}'}.csv")
            try:
                os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
            except FileExistsError:
                # The same import again rejects the same rows; one file of them is enough.
                if path.is_file() and filecmp.cmp(part, path, shallow=False):
                    part.unlink()
                    return path
                continue
            part.replace(path)
            return path
        raise AssertionError("there is always a next number")


@contextmanager
def read_csv(file: Path) -> Iterator[tuple[tuple[str, ...], Iterator[Row]]]:
    """The columns and rows of a CSV file, a rejects file's own marks left out.

    Separated by comma, semicolon or tab, since spreadsheets choose by their country. Raises Invalid
    for a file without a usable header.
    """
    with file.open(encoding="utf-8-sig", errors="replace", newline="") as text:
        first = text.readline()
        text.seek(0)
        reader = csv.reader(text, delimiter=max(",;\t", key=first.count))
        header = [name.strip() for name in next(reader, [])]
        kept = [index for index, name in enumerate(header) if name not in MARKS]
        columns = tuple(header[index] for index in kept)
        if (
            not columns
            or not all(columns)
            or len({name.lower() for name in columns}) < len(columns)
        ):
            raise Invalid(f"{file.name} does not begin with the names of its columns, each once")
        yield columns, _rows(reader, len(header), kept)


def _rows(reader: Iterator[list[str]], width: int, kept: list[int]) -> Iterator[Row]:
    filled = (cells for cells in reader if any(cells))
    for number, found in enumerate(filled, 1):
        # A comma inside a number moves every value behind it into its neighbour's column.
        fault = None if len(found) == width else f"has {len(found)} cells, not {width}"
        cells = [*found, *[""] * width]
        yield Row(number, tuple(cells[index] or None for index in kept), fault)
