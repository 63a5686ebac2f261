"""`backbone events`: one recorded event, as an auditor sees it."""

from typing import Annotated
from uuid import UUID

import typer

from backbone.console import one_sentence, print_json, settings
from schemas.errors import Invalid, NotFound

app = typer.Typer(help="Recorded events.", no_args_is_help=True)


@app.command("show")
def show(
    event_id: Annotated[
        str, typer.Argument(help="The event's UUID, or with --source the channel's own id.")
    ],
    source: Annotated[
        str | None, typer.Option(help="The channel whose own id EVENT_ID is.")
    ] = None,
) -> None:
    """Show one event as a CloudEvent, its values open; what is erased is null."""
    from api.opening import Glass
    from backbone.wiring import store_of
    from domain.access import LOCAL
    from schemas.cloudevents import to_json

    with one_sentence(), store_of(settings()) as store:
        found = store.ids.event_id(source, event_id) if source else _uuid(event_id)
        event = store.history.event(found)
        if event is None:
            raise NotFound("no such event")
        opened, _ = Glass(store.keys).opened(LOCAL, [event.subject], event.data)
        print_json(to_json(event._replace(data=opened)))


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Invalid(
            "is a UUID; or say --source for a channel's own id", field="EVENT_ID"
        ) from None
