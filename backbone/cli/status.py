"""`backbone status`: how far everything is."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

from backbone.console import FAILED, AsJson, one_sentence, out, print_json, settings

if TYPE_CHECKING:
    from consumers.lag import ViewLag

_STATES = {"fresh": "green", "pending": "yellow", "rebuilding": "cyan"}


def status(as_json: AsJson = False) -> None:
    """Show the store's head, and how far every generation of every view is; exit 1 for a fault.

    Rates are measured over one second where something moves.
    """
    from backbone.looking import look
    from backbone.reading_side import reading_side

    with one_sentence(), reading_side(settings()) as side:
        seen = look(side)
    if as_json:
        print_json(
            {
                "store": {"events": seen.events, "epoch": seen.epoch},
                "views": [_json(lag) for lag in seen.lags],
                "faults": seen.faults,
            }
        )
    else:
        _print(seen.events, seen.lags, seen.faults)
    if seen.faults:
        raise SystemExit(FAILED)


def _json(lag: "ViewLag") -> dict[str, Any]:
    sums = {
        "events": lag.events,
        "lag_events": lag.lag_events,
        "lag_seconds": lag.lag_seconds,
    }
    return asdict(lag) | sums


def _print(events: int, lags: "list[ViewLag]", faults: dict[str, str]) -> None:
    out.print(f"Store: {events:,} events", highlight=False)
    if not lags:
        out.print("No view has been started yet: run `backbone up` or `backbone project`.")
    table = Table("view", "state", box=SIMPLE_HEAD, padding=(0, 1))
    for name in ("events", "behind", "seconds", "rate", "left", "held"):
        table.add_column(name, justify="right", no_wrap=True)
    for lag in lags:
        colour = _STATES.get(lag.state, "red")
        state = f"[{colour}]{lag.reason or lag.state}[/{colour}]"
        table.add_row(
            f"{lag.view} g{lag.generation}",
            state if lag.role == "active" else f"{lag.role}, {state}",
            f"{lag.events:,}",
            f"{lag.lag_events:,}",
            f"{lag.lag_seconds:,.1f}",
            f"{lag.events_per_second:,.0f}/s" if lag.events_per_second else "",
            f"{lag.eta_seconds:,.0f} s" if lag.eta_seconds else "",
            f"{lag.held_subjects:,}",
        )
    if lags:
        out.print(table)
    for view, fault in faults.items():
        out.print(f"[red]{view}[/red]: {fault}", highlight=False)
