"""What content holds: the user's own sentences and words. What a teacher has shared stays, without their name."""

from sqlalchemy import ColumnElement, and_

from server.adapters.postgres.holdings.held import Held, PostgresHoldings, of
from server.adapters.postgres.tables import PronunciationRow, SentenceRow
from server.kernel.identity import UserId


def _shared(user_id: UserId) -> ColumnElement[bool]:
    return and_(PronunciationRow.created_by == user_id, PronunciationRow.owner_id.is_distinct_from(user_id))


CONTENT = PostgresHoldings(
    [
        Held(
            SentenceRow,
            "content/sentences",
            "Your own sentences. Those that you have shared as a teacher are not kept under your name.",
            of(SentenceRow.owner_id),
        ),
        Held(
            PronunciationRow,
            "content/pronunciations",
            "Your own entries in the dictionary of pronunciations.",
            of(PronunciationRow.owner_id),
        ),
        Held(
            PronunciationRow,
            "content/shared_pronunciations",
            "Everyone's entries in the dictionary that you were the last to set.",
            _shared,
            forget=lambda user_id: {"created_by": None},
        ),
    ]
)
"""What content holds."""
