"""How the embedded PostgreSQL fails."""


class EmbeddedPostgresError(Exception):
    """The embedded PostgreSQL can't be started or stopped. The message says why, and what to do where that is known."""
