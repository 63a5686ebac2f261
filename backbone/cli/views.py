"""`backbone view`, `rebuild` and `generations`: looking into views, and making them anew."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.table import Table

from backbone.console import (
    AsJson,
    err,
    one_sentence,
    out,
    print_json,
    progress_bar,
    settings,
)
from backbone.references import Ref
from schemas.errors import Invalid

if TYPE_CHECKING:
    from projections.comparing import Difference

view_app = typer.Typer(help="Look into views.", no_args_is_help=True)

ViewName = Annotated[str, typer.Argument(metavar="VIEW", help="profile, timeline, …")]


@view_app.command("show")
def show(
    view: ViewName,
    ref: Ref,
    limit: Annotated[int, typer.Option(help="At most so many rows of a kind.", min=1)] = 50,
) -> None:
    """Show the rows that a view keeps of one customer, values open, as JSON."""
    from backbone.looking_into import rows_of

    with one_sentence():
        print_json(rows_of(settings(), view, ref, limit))


def rebuild(
    view: ViewName,
    keep: Annotated[
        bool, typer.Option("--no-switch", help="Fill and compare, but do not switch.")
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Switch without asking, whatever differs.")
    ] = False,
) -> None:
    """Compute a view anew beside the running one, compare row by row, and switch.

    Readers go on meanwhile and never go back in time. Ctrl-C stops it; run again it keeps finished
    partitions and begins the unfinished one anew.
    """
    from backbone.reading_side import reading_side, view_named
    from consumers.rebuilding import Rebuild

    def decide(differences: "Sequence[Difference] | None") -> bool:
        bar.stop()
        same = differences is not None and all(one.same for one in differences)
        _tell_differences(differences)
        if keep or yes or same:
            return not keep
        return typer.confirm("Switch all the same?", err=True)

    with one_sentence(), reading_side(settings()) as side, progress_bar() as bar:
        task = bar.add_task(f"Rebuilding {view}", total=None)
        work = Rebuild(view_named(view), side.views, side.history, side.watch)
        done = work.run(
            lambda events, total: bar.update(task, completed=events, total=total), decide
        )
    rate = done.events / done.seconds if done.seconds else 0
    out.print(f"{view} g{done.generation}: {done.events:,} events, {rate:,.0f}/s.", highlight=False)
    if done.switched:
        out.print(f"Readers read g{done.generation} now.", highlight=False)


def _tell_differences(differences: "Sequence[Difference] | None") -> None:
    if differences is None:
        err.print("There was nothing to compare with.")
        return
    for one in differences:
        if one.same:
            err.print(f"{one.table}: every row is the same.", highlight=False)
        else:
            counts = f"{one.changed:,} changed, {one.only_in_b:,} new, {one.only_in_a:,} gone"
            err.print(f"[yellow]{one.table}[/yellow]: {counts}", highlight=False)


def generations(
    view: ViewName,
    action: Annotated[Literal["list", "switch", "drop"], typer.Argument()] = "list",
    generation: Annotated[
        str | None, typer.Argument(metavar="[GENERATION]", help="Such as g2, for switch and drop.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List a view's generations, let readers read another one, or drop one."""
    from backbone.reading_side import reading_side, view_named
    from consumers.catching_up import switch_to
    from projections import generations as made
    from projections.connecting import transaction

    with one_sentence(), reading_side(settings()) as side:
        chosen = view_named(view)
        if action == "switch":
            switch_to(chosen, side.views, side.history, side.watch, _number(generation))
        elif action == "drop":
            made.drop(side.views, chosen, _number(generation))
        with transaction(side.views) as connection:
            found = made.listed(connection, view)
    rows = [
        {
            "generation": f"g{g.generation}",
            "state": g.state,
            "fold": g.fold_version,
            "made": g.made_at,
        }
        for g in found
    ]
    if as_json:
        print_json(rows)
        return
    table = Table("generation", "state", "fold version", "made")
    for row in rows:
        table.add_row(*(str(value) for value in row.values()))
    out.print(table if rows else f"{view} has no generation yet.")


def _number(generation: str | None) -> int:
    text = (generation or "").removeprefix("g")
    if not text.isdecimal():
        raise Invalid("name one, such as g2", field="GENERATION")
    return int(text)
