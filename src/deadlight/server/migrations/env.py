"""Run by Alembic."""

from alembic import context

from deadlight.server.tables import metadata

connection = context.config.attributes["connection"]


def ours(name: str | None, type_: str, _parents: object) -> bool:
    """Whether a table is one of ours; the job queue's library looks after its own."""
    return not (type_ == "table" and (name or "").startswith("pgqueuer"))


context.configure(
    connection=connection,
    target_metadata=metadata,
    include_name=ours,
    compare_server_default=False,
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
