"""The commands, in one readable list."""

import logging

import typer

from backbone.cli import events, held, imports, keys, schemas, views
from backbone.cli.demo import demo
from backbone.cli.erase import erase
from backbone.cli.project import project
from backbone.cli.relay import relay
from backbone.cli.status import status
from backbone.cli.up import up
from backbone.cli.verify import verify

app = typer.Typer(
    name="backbone",
    help="Every contact a customer has with a company: recorded once, folded into shared views.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.command()(up)
app.command()(demo)
app.command()(project)
app.command()(relay)
app.add_typer(imports.app, name="import")
app.command()(status)
app.command()(verify)
app.add_typer(events.app, name="events")
app.add_typer(views.view_app, name="view")
app.command()(views.rebuild)
app.command()(views.generations)
app.add_typer(held.app, name="held")
app.command()(erase)
app.add_typer(keys.app, name="keys")
app.add_typer(schemas.app, name="schemas")


def main() -> None:
    """The program's entry."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s %(message)s")
    app()
