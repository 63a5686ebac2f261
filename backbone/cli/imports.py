"""`backbone import`: real files in."""

from pathlib import Path
from typing import Annotated

import typer

from backbone.console import FAILED, one_sentence, out, settings

app = typer.Typer(
    help="Import real files. Ids come from natural keys: importing twice is safe.",
    no_args_is_help=True,
)


@app.command("complete-journey")
def complete_journey(
    path: Annotated[
        Path | None,
        typer.Argument(
            help="A folder with transactions.parquet and products.parquet, or one file of "
            "transactions, such as a mended rejects file. Default: the installed package."
        ),
    ] = None,
    households: Annotated[
        int | None, typer.Option(help="Only households with an id up to this one.", min=1)
    ] = None,
) -> None:
    """Import The Complete Journey: a year of a grocer's baskets, as purchase.made.

    What is damaged goes to a rejects file, which can be mended and imported. Ctrl-C stops after the
    batch in hand; run it again to go on.
    """
    from backbone.collector import quieten_the_collector
    from backbone.importing import import_with_bar
    from backbone.wiring import store_of
    from commands.touchpoints import Touchpoints
    from importers.complete_journey import source

    with one_sentence():
        chosen = settings()
        with source(path, households) as baskets, store_of(chosen, make=True) as store:
            touchpoints = Touchpoints(
                store.registry, store.ids, store.appender, chosen.phone_region
            )
            quieten_the_collector()
            summary, _ = import_with_bar(baskets, touchpoints, chosen)
    out.print(summary.text(), highlight=False, soft_wrap=True)
    if not summary.clean:
        raise SystemExit(FAILED)
