"""The views that a program to be killed may keep, by name; some are there to fail."""

from dataclasses import replace

from projections.registry import VIEWS
from projections.view import Kind, View
from schemas.envelope import Event
from tests.counting import COUNTING, SEEN, TALLIES, Tally


def _passed_over(row: Tally | None, event: Event) -> Tally | None:
    """Sabotage: what cannot be folded is left out, and nobody waits."""
    try:
        return TALLIES.fold(row, event)
    except KeyError:
        return row


def _mended(row: Tally | None, event: Event) -> Tally | None:
    if event.data.get("channel") == "broken":
        event = event._replace(data=event.data | {"channel": "web"})
    return TALLIES.fold(row, event)


def _counting(tallies: Kind[Tally]) -> View:
    return View("counting", 1, (tallies, SEEN))


MENDED = _counting(replace(TALLIES, fold=_mended))
"""The release that can fold what the one before could not."""

ALL: dict[str, View] = {view.name: view for view in VIEWS} | {
    "counting": COUNTING,
    "passing over": _counting(replace(TALLIES, fold=_passed_over)),
}
