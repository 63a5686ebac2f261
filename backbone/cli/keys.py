"""`backbone keys`: the ring, without which nothing personal can be read."""

from pathlib import Path
from typing import Annotated

import typer

from backbone.console import one_sentence, out, settings

app = typer.Typer(
    help="The key ring: whoever loses it never reads a personal value again.", no_args_is_help=True
)


@app.command("backup")
def backup(
    folder: Annotated[Path, typer.Argument(help="A new folder, on another disk than the data.")],
) -> None:
    """Copy the ring to a new folder, and check the copy.

    Keep it apart from backups of the database: both together open everything. A copy from before
    an erasure lacks its entry in the list of destroyed keys: make a new copy after each erasure,
    and destroy the old one.
    """
    from store.ring import Ring

    with one_sentence():
        chosen = settings()
        ring = Ring.open(chosen.ring_dir)
        copy = ring.copy_to(folder)
    out.print(
        f"The ring is copied to {folder}, with {len(copy.destroyed)} destroyed keys on its list.",
        highlight=False,
        soft_wrap=True,
    )
