"""PostgreSQL: tables, engine, unit of work, one repository an aggregate, migrations, and the embedded server."""
