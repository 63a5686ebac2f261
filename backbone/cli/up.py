"""`backbone up`: everything in one process."""

import logging
from dataclasses import replace
from typing import Annotated

import typer

from backbone.cli.signals import stop_signals
from backbone.console import err, one_sentence, settings
from backbone.setting_values import UnusableError, kafka_addresses
from schemas.errors import Invalid


def up(
    kafka: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Relay the events to the Kafka at host:port, and feed the views from there; also "
            "BACKBONE_KAFKA.",
        ),
    ] = None,
) -> None:
    """Run everything in one process: store, projectors and the HTTP door.

    Without settings it starts a PostgreSQL of its own in the data folder and keeps its keys beside
    it. Ctrl-C or SIGTERM stops it cleanly; after kill -9 simply start it again.
    """
    from backbone.serving import serving

    # Five lines for every try to reach a broker, where one sentence of ours is enough.
    logging.getLogger("kafka").setLevel(logging.CRITICAL)
    with one_sentence(), stop_signals() as stop:
        chosen = settings() if kafka is None else replace(settings(), kafka=_addresses(kafka))
        err.print("Starting …")
        with serving(chosen) as (_, server):
            err.print(f"Listening on [bold]{server.address}[/bold] (the contract: /docs)")
            err.print("Ctrl-C stops it.")
            server.wait(stop)
            err.print("Stopping: finishing what is in hand …")
    err.print("Stopped.")


def _addresses(text: str) -> tuple[str, ...]:
    try:
        return kafka_addresses(text)
    except UnusableError as error:
        raise Invalid(str(error), field="--kafka") from None
