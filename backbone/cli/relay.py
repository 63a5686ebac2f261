"""`backbone relay`: the store's events on Kafka, in a process of its own."""

import logging
import threading
from typing import TYPE_CHECKING, Annotated

import typer

from backbone.cli.signals import stop_signals
from backbone.console import err, one_sentence, settings
from schemas.errors import Broken

if TYPE_CHECKING:
    from consumers.relay import Relay
    from consumers.relay_health import RelayState

LOOK_SECONDS = 0.5
"""How often the status line is written anew."""


def relay(
    refill: Annotated[
        bool,
        typer.Option("--refill", help="Go on where the topic ends, though it once held more."),
    ] = False,
) -> None:
    """Put every event on Kafka, exactly once and in order, until Ctrl-C or SIGTERM.

    Several may run: one relays, the others stand by. Values stay sealed; it needs no key.
    """
    from backbone.relaying import relaying

    # Five lines for every try to reach a broker, where one sentence of ours is enough.
    logging.getLogger("kafka").setLevel(logging.CRITICAL)
    with one_sentence(), stop_signals() as stop:
        chosen = settings()
        err.print("Starting …")
        with relaying(chosen, refill=refill) as running:
            _watch(running, stop)
            err.print("Stopping: finishing the batch in hand …")
    err.print("Stopped.")


def _watch(running: "Relay", stop: threading.Event) -> None:
    """Tell what changes, and keep a line up to date where somebody looks; raises Broken when the
    relay has stopped by itself."""
    told = ""
    with err.status("", spinner="dots") as line:
        while not stop.wait(LOOK_SECONDS):
            now = running.health.now()
            if now.state == "stopped":
                raise Broken(now.advice or "the relay stopped")
            sentence = f"Waiting: {now.error}" if now.error else _SENTENCES[now.state]
            if sentence != told:
                err.print(sentence)
                told = sentence
            line.update(_numbers(now))


def _numbers(now: "RelayState") -> str:
    if now.position is None:
        return f"{now.topic}: {now.state}"
    end = "up to date" if now.caught_up else f"{now.events_per_second:,.0f} events/s"
    return f"{now.topic}: {now.state}, position {now.position:,}, {end}"


_SENTENCES = {
    "starting": "Asking for the lock …",
    "standby": "Standing by: another relay is the active one. Ctrl-C stops it.",
    "active": "Relaying to customer-events. Ctrl-C stops it.",
}
