"""How Alembic reaches the database: on the connection it is handed, or on the URL given with `-x url=`."""

from alembic import context
from sqlalchemy import Connection, NullPool, create_engine

from server.adapters.postgres.tables import Base


def run(connection: Connection) -> None:
    # Other schemas (procrastinate's) are neither compared nor touched: include_schemas stays off.
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        compare_type=True,
        compare_server_default=True,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()


handed: Connection | None = context.config.attributes.get("connection")
if handed is not None:
    run(handed)
else:
    url = context.get_x_argument(as_dictionary=True).get("url")
    if not url:
        raise SystemExit("Say which database: alembic -c migrations/alembic.ini -x url=postgresql+psycopg://... ...")
    engine = create_engine(url, poolclass=NullPool)
    with engine.connect() as own:
        run(own)
