"""Store, views and topic held against each other, for `backbone verify`."""

from collections.abc import Callable

from backbone.reading_side import reading_side
from backbone.settings import Settings
from consumers.verifying import Progress, Verified, verify_views


def verified(settings: Settings, follow: Callable[[str], Progress]) -> list[Verified]:
    """The store, every view and, where an address of Kafka is set, the topic; `follow` is told the
    name of each part of the work, and answers whom to tell its progress.

    Raises Unavailable where something does not answer, Broken for a topic of another store.
    """
    with reading_side(settings) as side:
        found = verify_views(side.views, side.history, follow("Store and views"))
        if settings.kafka is not None:
            # Here, because reading the library takes half a second.
            from consumers.kafka_topics import CUSTOMER_EVENTS
            from consumers.kafka_verifying import verify_topic

            progress = follow(f"Topic {CUSTOMER_EVENTS}")
            found.append(verify_topic(settings.kafka, CUSTOMER_EVENTS, side.history, progress))
    return found
