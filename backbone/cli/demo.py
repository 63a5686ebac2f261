"""`backbone demo`: real purchases, one made-up customer, and the views of both."""

from typing import Annotated

import typer

from backbone.cli.signals import stop_signals
from backbone.console import one_sentence, settings

HOUSEHOLDS = "250"


def demo(
    households: Annotated[
        str, typer.Option(help="Import households with an id up to this one, or `all`.")
    ] = HOUSEHOLDS,
    leave: Annotated[
        bool, typer.Option("--exit", help="Stop after the summary instead of serving on.")
    ] = False,
) -> None:
    """Import real purchases, serve them, and show one customer's way through the backbone.

    It runs on a database of its own, beside the data folder; run again it says that it knows
    everything already.
    """
    from backbone.demo.showing import run

    with one_sentence(), stop_signals() as stop:
        run(settings(), households, stop, leave=leave)
