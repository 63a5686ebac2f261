"""An import with a progress bar, as the command line and the demo run it."""

from collections.abc import Sequence
from typing import Any

from backbone.console import progress_bar
from backbone.settings import Settings
from commands.touchpoints import Item, Touchpoints
from domain.access import LOCAL
from importers.items import Source
from importers.run import run
from importers.summary import Summary
from schemas.receipts import Token

REJECTS = "rejects"
"""The folder under DATA_DIR for what is refused of an input that is no file of the user's."""


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
