"""The rows that a view keeps of one customer, for `backbone view show`."""

from typing import Any

from sqlalchemy import select

from api.opening import Glass
from backbone.databases import databases
from backbone.reading_side import view_named
from backbone.references import read_ref
from backbone.settings import Settings
from backbone.wiring import open_store
from domain.access import LOCAL
from projections.connecting import views_engine
from projections.reading import Reader
from projections.tables import of_generation
from schemas.errors import NotFound
from schemas.identifiers import Identifier


def rows_of(settings: Settings, view_name: str, ref: str, limit: int) -> dict[str, Any]:
    """table -> rows of the customer, values open and erased ones null.

    Raises NotFound for an unknown view or customer.
    """
    view = view_named(view_name)
    who = read_ref(ref, settings)
    with (
        databases(settings) as at,
        open_store(at.store, settings.ring_dir, settings.partitions) as store,
    ):
        subject = store.subjects.find(who) if isinstance(who, Identifier) else who
        if subject is None:
            raise NotFound("no such customer", field="REF")
        engine = views_engine(at.views)
        try:
            rows = Reader(engine).read(
                view.name,
                lambda connection, generation: {
                    str(kind.table.name): [
                        # Names are a subclass of str here, which orjson does not take as keys.
                        {str(name): value for name, value in row.items()}
                        for row in connection.execute(
                            select(table).where(table.c.subject == subject).limit(limit)
                        ).mappings()
                    ]
                    for kind in view.kinds
                    for table in [of_generation(kind.table, generation)]
                },
            )
        finally:
            engine.dispose()
        opened, _ = Glass(store.keys).opened(LOCAL, [subject], rows)
    return dict(opened)
