"""Run the revisions on the connection that `Store.migrate` passes: the entry point of Alembic."""

from alembic import context

from memory_pipeline.store.database import VERSION_TABLE
from memory_pipeline.store.models import Base


def _belongs_to_us(_object: object, name: str | None, type_: str, *_: object) -> bool:
    return type_ != "table" or name in Base.metadata.tables


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    version_table=VERSION_TABLE,
    include_object=_belongs_to_us,
    compare_server_default=False,
)
with context.begin_transaction():
    context.run_migrations()
