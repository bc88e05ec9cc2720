"""What each service holds of its users in PostgreSQL and in the object store."""

from collections.abc import Mapping
from types import MappingProxyType

from server.adapters.postgres.holdings.accounts import ACCOUNTS
from server.adapters.postgres.holdings.content import CONTENT
from server.adapters.postgres.holdings.held import Held, PostgresHoldings
from server.adapters.postgres.holdings.jobs import JOBS
from server.adapters.postgres.holdings.learning import LEARNING
from server.adapters.postgres.holdings.speech import SPEECH

HOLDINGS: Mapping[str, PostgresHoldings] = MappingProxyType(
    {"accounts": ACCOUNTS, "learning": LEARNING, "speech": SPEECH, "content": CONTENT, "jobs": JOBS}
)
"""By service, in the order in which an account is exported. Cards hang on sentences, so learning is before content."""

__all__ = ["ACCOUNTS", "CONTENT", "HOLDINGS", "JOBS", "LEARNING", "SPEECH", "Held", "PostgresHoldings"]
