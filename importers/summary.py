"""What an import did, in plain words."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple

Result = Literal["accepted", "duplicate", "conflict", "rejected"]

SHOWN_MAX = 20
"""How many faults are told one by one; the rejects file has them all."""

_WORDS: dict[Result, str] = {
    "accepted": "recorded",
    "duplicate": "already known",
    "conflict": "in conflict with what is recorded",
    "rejected": "rejected",
}


class Refusal(NamedTuple):
    """What was refused: for which reason, and the field that it was for, if it was for one."""

    result: Result
    field: str | None
    reason: str


class Shown(NamedTuple):
    """Where one fault stands."""

    file: str
    row: int
    field: str | None
    reason: str


@dataclass(slots=True)
class Summary:
    """The counts of one run; those of an interrupted one are of what was done until then."""

    things: str
    total: int
    counts: Counter[Result] = field(default_factory=Counter)
    refusals: Counter[Refusal] = field(default_factory=Counter)
    """How many conflicts and rejections there were for each field and reason."""
    shown: list[Shown] = field(default_factory=list)
    faults: int = 0
    rejects: Path | None = None
    """The file that holds what was refused."""
    interrupted: bool = False

    @property
    def done(self) -> int:
        """How many items were dealt with, well or not."""
        return self.counts.total()

    @property
    def clean(self) -> bool:
        """True where everything was recorded, now or before."""
        return not (self.interrupted or self.counts["conflict"] or self.counts["rejected"])

    def show(self, file: str, row: int, field: str | None, reason: str) -> None:
        """Count a fault, and keep it if it is among the first."""
        self.faults += 1
        if len(self.shown) < SHOWN_MAX:
            self.shown.append(Shown(file, row, field, reason))

    def text(self) -> str:
        """The summary for a person, in lines."""
        told = ", ".join(f"{self.counts[r]:,} {w}" for r, w in _WORDS.items() if self.counts[r])
        lines = [f"{self.done:,} {self.things}: {told or 'nothing to import'}."]
        if self.interrupted:
            lines.append(
                f"Stopped at {self.done:,} of {self.total:,}. Run it again to go on: what is "
                "recorded stays as it is."
            )
        elif self.done and self.done == self.counts["duplicate"]:
            lines.append("Nothing has changed.")
        return "\n".join([*lines, *self._refused()])

    def _refused(self) -> list[str]:
        lines = [
            f"  {number:,} times: {_about(why.field)}{why.reason}"
            for why, number in self.refusals.most_common()
        ]
        lines += [f"{at.file}, row {at.row:,}: {_about(at.field)}{at.reason}" for at in self.shown]
        if self.faults > len(self.shown):
            lines.append(f"and {self.faults - len(self.shown):,} more")
        if self.rejects is not None:
            lines.append(
                f"What was refused is in {self.rejects}, with all its rows: mend it and import "
                "that file."
            )
        return lines


def _about(field: str | None) -> str:
    return f"{field} " if field else ""
