"""The one MetaData, its naming of constraints, and the columns that repeat."""

from sqlalchemy import BigInteger, Column, DateTime, Identity, MetaData, func, text
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def identity() -> Column[int]:
    """A surrogate key the database counts up."""
    return Column("id", BigInteger, Identity(always=True), primary_key=True)


def moment(name: str, *, nullable: bool = True) -> Column[object]:
    """A point in time with its zone; UTC by the session's setting."""
    return Column(name, DateTime(timezone=True), nullable=nullable)


def recorded(name: str) -> Column[object]:
    """A point in time that defaults to the transaction's."""
    return Column(name, DateTime(timezone=True), nullable=False, server_default=func.now())


def document(name: str, default: str) -> Column[object]:
    """A JSON column that is never null; `default` is JSON text."""
    return Column(name, JSONB, nullable=False, server_default=default)


def changed_in() -> Column[int]:
    """The transaction that wrote what Live Assessment keeps of the row in memory (docs/adr/0020-live-index.md).

    A trigger of the table sees to it that no writer has to remember it.
    """
    return Column("changed_in", BigInteger, nullable=False, server_default=text("pg_current_xact_id()::text::bigint"))
