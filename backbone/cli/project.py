"""`backbone project`: keep views up in a process of its own."""

from typing import Annotated

import typer

from backbone.cli.signals import stop_signals
from backbone.console import err, one_sentence, settings
from schemas.errors import Invalid


def project(
    views: Annotated[list[str], typer.Argument(metavar="VIEW…", help="profile, timeline, …")],
    partitions: Annotated[
        str | None, typer.Option(help="Only these partitions, such as 0-5 or 0,2,4-7.")
    ] = None,
) -> None:
    """Keep views up in a process of its own, until Ctrl-C or SIGTERM.

    Several processes may share a view: each partition belongs to one of them, and who waits takes
    over when the holder ends.
    """
    from backbone.collector import quieten_the_collector
    from backbone.reading_side import reading_side, view_named
    from consumers.projecting import Projecting, store_feeds

    with one_sentence(), stop_signals() as stop:
        chosen = [view_named(name) for name in views]
        with reading_side(settings()) as side:
            wanted = read_partitions(partitions, side.history.info.partitions)
            feeds = store_feeds(side.history, side.watch, side.views, wanted)
            projecting = Projecting(chosen, side.views, side.log, feeds)
            projecting.start()
            quieten_the_collector()
            err.print(f"Projecting {', '.join(views)}. Ctrl-C stops it.")
            try:
                stop.wait()
            finally:
                err.print("Stopping: finishing the batch in hand …")
                projecting.stop()
    err.print("Stopped.")


def read_partitions(text: str | None, count: int) -> list[int] | None:
    """`0-5,8` as numbers below `count`; None for all. Raises Invalid."""
    if text is None:
        return None
    wanted: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        if not first.isdecimal() or not (last or first).isdecimal():
            raise Invalid("is like 0-5 or 0,2,4-7", field="--partitions")
        wanted.update(range(int(first), int(last or first) + 1))
    if not wanted or max(wanted) >= count:
        raise Invalid(f"the store has the partitions 0 to {count - 1}", field="--partitions")
    return sorted(wanted)
