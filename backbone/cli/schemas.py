"""`backbone schemas`: the published contract."""

from pathlib import Path

import typer

from backbone.console import FAILED, err, one_sentence

app = typer.Typer(
    help="The published contract: JSON Schemas, and a page for people.", no_args_is_help=True
)

PAGE = Path("docs/events.md")


@app.command("publish")
def publish_schemas() -> None:
    """Write the JSON Schemas and docs/events.md anew; run it in a checkout of the repository."""
    from schemas.publishing import PUBLISHED, events_page, publish

    with one_sentence():
        written = publish(PUBLISHED)
        PAGE.write_text(events_page(), encoding="utf-8")
    err.print(f"{len(written)} schemas and {PAGE} are written.")


@app.command("check")
def check() -> None:
    """Tell which published schemas differ from the models; exit 1 if any does."""
    from schemas.publishing import PUBLISHED, drift

    with one_sentence():
        differing = drift(PUBLISHED)
    for name in differing:
        err.print(name)
    if differing:
        raise SystemExit(FAILED)
    err.print("The published schemas are those of the models.")
