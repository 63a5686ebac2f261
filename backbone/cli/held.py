"""`backbone held`: customers that a view waits for."""

from typing import Annotated

import typer
from rich.table import Table

from backbone.cli.views import ViewName
from backbone.console import FAILED, AsJson, err, one_sentence, out, print_json, settings
from schemas.errors import NotFound

app = typer.Typer(
    help="Customers that a view waits for, because one event could not be applied.",
    no_args_is_help=True,
)
Subject = Annotated[str, typer.Argument(help="As `held list` shows it.")]


@app.command("list")
def list_held(
    view: Annotated[str | None, typer.Argument(help="Only this view.")] = None,
    as_json: AsJson = False,
) -> None:
    """List who is held, in which view, since which event, and why (a code, never a value)."""
    from backbone.reading_side import reading_side
    from consumers import held

    with one_sentence(), reading_side(settings()) as side:
        found = held.listed(side.views, view)
    rows = [
        {
            "view": one.view,
            "generation": f"g{one.generation}",
            "subject": one.hold.subject,
            "event": str(one.hold.event_id),
            "waiting": one.hold.events,
            "cause": one.hold.cause,
        }
        for one in found
    ]
    if as_json:
        print_json(rows)
    elif not rows:
        out.print("Nobody is held.")
    else:
        table = Table(*rows[0])
        for row in rows:
            table.add_row(*(str(value) for value in row.values()))
        out.print(table)


@app.command("show")
def show(view: ViewName, subject: Subject, as_json: AsJson = False) -> None:
    """Show the events of a held customer that wait: ids, types, sequences."""
    from backbone.reading_side import reading_side
    from consumers import held

    with one_sentence(), reading_side(settings()) as side:
        found = [one for one in held.listed(side.views, view) if one.hold.subject == subject]
        if not found:
            raise NotFound("this view does not hold that subject", field="SUBJECT")
        events = held.waiting_events(side.history, found[0])
    if as_json:
        print_json(
            [
                {
                    "event_id": str(e.event_id),
                    "type": e.type,
                    "sequence": e.sequence,
                    "cause": e.cause,
                }
                for e in events
            ]
        )
        return
    table = Table("event", "type", "sequence", "cause")
    for event in events:
        table.add_row(str(event.event_id), event.type, str(event.sequence), event.cause or "")
    out.print(table)


@app.command("retry")
def retry(
    view: ViewName,
    subject: Annotated[str | None, typer.Argument(help="Only this one; else all.")] = None,
) -> None:
    """Fold held customers anew from their whole history; exit 1 where somebody stays held."""
    from backbone.reading_side import reading_side, view_named
    from consumers import held

    with one_sentence(), reading_side(settings()) as side:
        chosen = view_named(view)
        if subject is None:
            left = len(held.retry_all(side.views, side.history, [chosen]).get(view, []))
        else:
            left = 1 if held.retry(side.views, side.history, chosen, subject) else 0
    if left:
        err.print(f"{left} stay held: `backbone held list {view}` says why.", highlight=False)
        raise SystemExit(FAILED)
    out.print("Nobody is held any more.")
