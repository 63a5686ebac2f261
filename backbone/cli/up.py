"""`backbone up`: everything in one process."""

from backbone.cli.signals import stop_signals
from backbone.console import err, one_sentence, settings


def up() -> None:
    """Run everything in one process: store, projectors and the HTTP door.

    Without settings it starts a PostgreSQL of its own in the data folder and keeps its keys beside
    it. Ctrl-C or SIGTERM stops it cleanly; after kill -9 simply start it again.
    """
    from backbone.serving import serving

    with one_sentence(), stop_signals() as stop:
        chosen = settings()
        err.print("Starting …")
        with serving(chosen) as (_, server):
            err.print(f"Listening on [bold]{server.address}[/bold] (the contract: /docs)")
            err.print("Ctrl-C stops it.")
            server.wait(stop)
            err.print("Stopping: finishing what is in hand …")
    err.print("Stopped.")
