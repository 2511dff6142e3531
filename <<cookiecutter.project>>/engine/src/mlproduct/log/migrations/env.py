"""How Alembic runs the migrations: on the connection and in the transaction of
``log/database.py``.
"""

from alembic import context

context.configure(
    connection=context.config.attributes["connection"], version_table="product_version"
)
context.run_migrations()
