"""`backbone project`: keep views up in a process of its own."""

import logging
from typing import TYPE_CHECKING, Annotated

import typer

from backbone.cli.signals import stop_signals
from backbone.console import err, one_sentence, settings
from schemas.errors import Invalid

if TYPE_CHECKING:
    from backbone.reading_side import ReadingSide
    from consumers.projecting import Feeds


def project(
    views: Annotated[list[str], typer.Argument(metavar="VIEW…", help="profile, timeline, …")],
    partitions: Annotated[
        str | None, typer.Option(help="Only these partitions, such as 0-5 or 0,2,4-7.")
    ] = None,
) -> None:
    """Keep views up in a process of its own, until Ctrl-C or SIGTERM.

    Several processes may share a view: each partition belongs to one of them, and who waits takes
    over when the holder ends. Where BACKBONE_KAFKA is set the events come from there, and a
    consumer group shares the partitions out; else they come from the store, shared by locks.
    """
    from backbone.collector import quieten_the_collector
    from backbone.reading_side import reading_side, view_named
    from consumers.projecting import Projecting

    # Five lines for every try to reach a broker, where one sentence of ours is enough.
    logging.getLogger("kafka").setLevel(logging.CRITICAL)
    with one_sentence(), stop_signals() as stop:
        chosen = [view_named(name) for name in views]
        given = settings()
        with reading_side(given) as side:
            feeds = _feeds(side, given.kafka, partitions)
            projecting = Projecting(chosen, side.views, side.log, feeds)
            projecting.start()
            quieten_the_collector()
            source = "the store" if given.kafka is None else "Kafka"
            err.print(f"Projecting {', '.join(views)} from {source}. Ctrl-C stops it.")
            try:
                stop.wait()
            finally:
                err.print("Stopping: finishing the batch in hand …")
                projecting.stop()
    err.print("Stopped.")


def _feeds(side: "ReadingSide", kafka: tuple[str, ...] | None, partitions: str | None) -> "Feeds":
    """The store's feeds, or Kafka's, if it answers."""
    from consumers.kafka_feed import kafka_feeds
    from consumers.kafka_members import KafkaSource, knock
    from consumers.kafka_topics import CUSTOMER_EVENTS
    from consumers.projecting import store_feeds

    count = side.history.info.partitions
    if kafka is None:
        wanted = read_partitions(partitions, count)
        return store_feeds(side.history, side.watch, side.views, wanted)
    if partitions is not None:
        raise Invalid("with BACKBONE_KAFKA the group shares the partitions", field="--partitions")
    source = KafkaSource(kafka, CUSTOMER_EVENTS, count)
    knock(source)
    return kafka_feeds(source)


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
