"""COPY of columns into PostgreSQL, with indexes and foreign keys only afterwards."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import psycopg
from psycopg import sql

Connection = psycopg.Connection[Any]

ROWS_AT_ONCE = 50_000


def copy_columns(connection: Connection, table: str, columns: Sequence[str], *values: Any) -> None:
    """Columns of values, or one value for all rows."""
    length = next(len(column) for column in values if not isinstance(column, str))
    rows = zip(*(_texts(column, length) for column in values), strict=True)
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    with connection.cursor().copy(statement) as copy:
        batch: list[str] = []
        for row in rows:
            batch.append("\t".join(row))
            if len(batch) == ROWS_AT_ONCE:
                copy.write("\n".join(batch) + "\n")
                batch.clear()
        if batch:
            copy.write("\n".join(batch) + "\n")


def _texts(column: Any, length: int) -> Iterable[str]:
    if isinstance(column, str):
        return (column for _ in range(length))
    if isinstance(column, np.ndarray):
        return map(str, column.tolist())
    return column if isinstance(column[0], str) else map(str, column)


@contextmanager
def indexed_afterwards(connection: Connection, table: str) -> Iterator[None]:
    """Without the table's indexes and keys while the block fills it: building them once is much faster."""
    name = {"table": table}
    constraints = connection.execute(
        "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint "
        "WHERE conrelid = CAST(%(table)s AS regclass) AND contype IN ('p', 'u')",
        name,
    ).fetchall()
    indexes = connection.execute(
        "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = %(table)s AND indexname <> ALL(%(keys)s)",
        {**name, "keys": [item[0] for item in constraints]},
    ).fetchall()
    for item in constraints:
        connection.execute(f"ALTER TABLE {table} DROP CONSTRAINT {item[0]}")
    for item in indexes:
        connection.execute(f"DROP INDEX {item[0]}")
    yield
    for item in constraints:
        connection.execute(f"ALTER TABLE {table} ADD CONSTRAINT {item[0]} {item[1]}")
    for item in indexes:
        connection.execute(item[1])
