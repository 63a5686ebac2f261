"""`backbone import`: real files in."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from backbone.cli.console import FAILED, one_sentence, out, progress_bar, settings
from backbone.settings import Settings
from backbone.wiring import store_of
from commands.touchpoints import Item, Touchpoints
from domain.access import LOCAL
from importers.items import Source
from importers.run import run
from importers.summary import Summary
from schemas.receipts import Token

app = typer.Typer(help="Import real files. Ids come from natural keys: importing twice is safe.")

REJECTS = "rejects"


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
    from importers import complete_journey as journey

    with one_sentence():
        chosen = settings()
        with journey.source(path, households) as source, store_of(chosen, make=True) as store:
            touchpoints = Touchpoints(
                store.registry, store.ids, store.appender, chosen.phone_region
            )
            summary, _ = import_with_bar(source, touchpoints, chosen)
    out.print(summary.text(), highlight=False, soft_wrap=True)
    if not summary.clean:
        raise SystemExit(FAILED)


def import_with_bar(
    source: Source, touchpoints: Touchpoints, chosen: Settings
) -> tuple[Summary, Token | None]:
    """Import with a progress bar: count, rate, time left. The token waits for all of it."""
    tokens: list[Token] = []

    def submit(events: Sequence[dict[str, Any]]) -> Sequence[Item]:
        result = touchpoints.report_batch(LOCAL, events)
        if result.token is not None:
            tokens[:] = [result.token.joined(*tokens)]
        return result.items

    with progress_bar() as bar:
        task = bar.add_task(f"Importing {source.things}", total=source.total)
        summary = run(
            source,
            submit,
            rejects_elsewhere=chosen.data_dir / REJECTS,
            progress=lambda done, _total: bar.update(task, completed=done),
        )
    return summary, tokens[0] if tokens else None
