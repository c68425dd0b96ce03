"""Alembic runs this, on the connection that `relay.store.database` has opened and locked."""

from alembic import context

from relay.store.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
