"""One set of tables per generation of a view: `profile_g1`, `profile_g2` …"""

from functools import lru_cache

from sqlalchemy import Column, Connection, Index, MetaData, Table
from sqlalchemy.dialects import postgresql

from projections.view import View

_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]


@lru_cache(maxsize=1024)
def of_generation(table: Table, generation: int) -> Table:
    """The table that one generation keeps in place of `table`, its indexes named likewise."""
    made = Table(
        f"{table.name}_g{generation}",
        MetaData(),
        *(
            Column(c.name, c.type, primary_key=c.primary_key, nullable=c.nullable)
            for c in table.columns
        ),
    )
    for index in table.indexes:
        names = [column.name for column in index.columns]
        Index(f"{index.name}_g{generation}", *(made.c[name] for name in names))
    return made


def tables_of(view: View, generation: int) -> list[Table]:
    """All tables of one generation: rows first, then roll-ups."""
    templates = [kind.table for kind in view.kinds]
    templates += [rollup.table for kind in view.kinds for rollup in kind.rollups]
    return [of_generation(table, generation) for table in templates]


def create_tables(connection: Connection, view: View, generation: int) -> None:
    """Make a generation's tables, still without keys and indexes: a bulk load makes them last."""
    for table in tables_of(view, generation):
        columns = ", ".join(
            f'"{c.name}" {_DIALECT.type_compiler_instance.process(c.type)}'
            + ("" if c.nullable else " NOT NULL")
            for c in table.columns
        )
        connection.exec_driver_sql(f'CREATE TABLE "{table.name}" ({columns})')


def create_indexes(connection: Connection, view: View, generation: int) -> None:
    """Make the keys and indexes of a generation's tables."""
    for table in tables_of(view, generation):
        keys = ", ".join(f'"{column.name}"' for column in table.primary_key)
        connection.exec_driver_sql(f'ALTER TABLE "{table.name}" ADD PRIMARY KEY ({keys})')
        for index in sorted(table.indexes, key=lambda index: str(index.name)):
            index.create(connection)


def drop_tables(connection: Connection, view: View, generation: int) -> None:
    """Drop a generation's tables where they are."""
    for table in tables_of(view, generation):
        connection.exec_driver_sql(f'DROP TABLE IF EXISTS "{table.name}"')


def wire_types(table: Table) -> list[str]:
    """The PostgreSQL type of each column, as a binary COPY needs to be told."""
    names = (_DIALECT.type_compiler_instance.process(c.type) for c in table.columns)
    return [name.partition(" COLLATE")[0].partition("(")[0].lower() for name in names]
