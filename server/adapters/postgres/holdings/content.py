"""What content holds: the user's own sentences and words. What a teacher has shared stays, without their name."""

from sqlalchemy import ColumnElement, and_, select
from sqlalchemy.orm import InstrumentedAttribute

from server.adapters.postgres.holdings.held import Held, PostgresHoldings, Whose, of
from server.adapters.postgres.tables import ImportFileRow, ImportPartRow, ImportRow, PronunciationRow, SentenceRow
from server.kernel.identity import UserId


def _shared(user_id: UserId) -> ColumnElement[bool]:
    return and_(PronunciationRow.created_by == user_id, PronunciationRow.owner_id.is_distinct_from(user_id))


def _of_import(column: InstrumentedAttribute[str]) -> Whose:
    return lambda user_id: column.in_(select(ImportRow.id).where(ImportRow.owner_id == user_id))


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
        Held(
            ImportRow,
            "content/imports",
            "Your imports, with their options and what became of their entries.",
            of(ImportRow.owner_id),
        ),
        Held(
            ImportFileRow,
            "content/import_files",
            "The files that you have uploaded to be imported.",
            _of_import(ImportFileRow.import_id),
        ),
        Held(
            ImportPartRow,
            "content/import_parts",
            "The parts that they came in, for as long as they are kept.",
            _of_import(ImportPartRow.import_id),
            withheld={"object_key": "where our store keeps it"},
        ),
    ]
)
"""What content holds."""
