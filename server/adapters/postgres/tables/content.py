"""Content: sentences and the dictionary of pronunciations."""

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from server.adapters.postgres.tables.base import (
    Base,
    Count,
    Id,
    Instant,
    Json,
    PrimaryId,
    Small,
    SmallInts,
    Texts,
    in_range,
    not_negative,
    one_of,
)


class SentenceRow(Base):
    """A sentence: shared, or in one user's own space, which goes with the account.

    `furigana` is a JSON array of `{"offset", "length", "reading"}`, offset and length counted in code points of
    `japanese`; `other_translations` one of `{"text", "source_id", "author", "licence"}`. `reading`, `reading_origin`
    and `difficulty` are null while analysis is awaited. `jlpt_level` is the n of Nn. `search_terms` holds what a
    search too short for trigrams asks for (the words as written, their dictionary forms and their readings in kana);
    `romaji` is the reading in Latin letters. `import_fingerprints` names, by kind of
    import, what its source said of it last. A deleted sentence keeps its row, so that what was learnt from it stays.
    """

    __tablename__ = "sentences"

    id: Mapped[PrimaryId]
    japanese: Mapped[str]
    english: Mapped[str]
    english_source_id: Mapped[str | None]
    english_author: Mapped[str | None]
    english_licence: Mapped[str | None]
    other_translations: Mapped[Json] = mapped_column(server_default=text("'[]'"))
    reading: Mapped[str | None]
    romaji: Mapped[str | None]
    furigana: Mapped[Json] = mapped_column(server_default=text("'[]'"))
    reading_origin: Mapped[str | None]
    search_terms: Mapped[Texts]
    difficulty: Mapped[Small | None]
    difficulty_computed: Mapped[bool] = mapped_column(server_default=text("false"))
    jlpt_level: Mapped[Small | None]
    source: Mapped[str]
    source_id: Mapped[str | None]
    author: Mapped[str | None]
    licence: Mapped[str | None]
    tags: Mapped[Texts]
    word_count: Mapped[Count]
    character_count: Mapped[Count]
    active: Mapped[bool] = mapped_column(server_default=text("true"))
    owner_id: Mapped[Id | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    visibility: Mapped[str] = mapped_column(server_default="shared")
    import_fingerprints: Mapped[Json] = mapped_column(server_default=text("'{}'"))
    revision: Mapped[int] = mapped_column(server_default="1")
    created_at: Mapped[Instant]
    updated_at: Mapped[Instant]
    deleted_at: Mapped[Instant | None]

    __table_args__ = (
        in_range("difficulty", 1, 10),
        in_range("jlpt_level", 1, 5),
        one_of("source", ("tatoeba", "anki", "custom", "community")),
        one_of("reading_origin", ("analyzer", "human")),
        one_of("visibility", ("shared", "private")),
        CheckConstraint("(visibility = 'private') = (owner_id IS NOT NULL)", name="private_has_owner"),
        CheckConstraint("revision >= 1", name="revision_range"),
        *not_negative("word_count", "character_count"),
        Index(
            "uq_sentences_source_id",
            "source",
            "source_id",
            "owner_id",
            unique=True,
            # A deleted sentence gives its id in the source free.
            postgresql_where=text("source_id IS NOT NULL AND deleted_at IS NULL"),
            postgresql_nulls_not_distinct=True,
        ),
        Index(None, "created_at", "id", postgresql_where=text("deleted_at IS NULL")),
        Index(None, "owner_id", "id", postgresql_where=text("owner_id IS NOT NULL")),
        Index(None, "difficulty", "id", postgresql_where=text("deleted_at IS NULL")),
        Index(None, "jlpt_level", "id", postgresql_where=text("deleted_at IS NULL")),
        # Whether a space has a text already, asked for every entry of an import.
        Index(
            "ix_sentences_japanese_hash",
            text("hashtextextended(japanese, 0)"),
            postgresql_where=text("deleted_at IS NULL"),
        ),
        Index(None, "tags", postgresql_using="gin"),
        Index(None, "search_terms", postgresql_using="gin"),
        *(
            Index(
                f"ix_sentences_{column}_trigrams",
                column,
                postgresql_using="gin",
                postgresql_ops={column: "gin_trgm_ops"},
            )
            for column in ("japanese", "english", "reading", "romaji")
        ),
    )


class PronunciationRow(Base):
    """How a word is read and accented, for everyone (`owner_id` null) or for one user.

    `accepted_accents` has the usual one first: 0 is flat, n drops after mora n (counted from 1). `created_by` is who
    set a shared entry last.
    """

    __tablename__ = "pronunciations"

    id: Mapped[PrimaryId]
    word: Mapped[str]
    reading: Mapped[str]
    accepted_accents: Mapped[SmallInts]
    note: Mapped[str] = mapped_column(server_default="")
    owner_id: Mapped[Id | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    created_by: Mapped[Id | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    revision: Mapped[int] = mapped_column(server_default="1")
    created_at: Mapped[Instant]
    updated_at: Mapped[Instant]
    deleted_at: Mapped[Instant | None]

    __table_args__ = (
        CheckConstraint("0 <= ALL (accepted_accents)", name="accepted_accents_range"),
        CheckConstraint("revision >= 1", name="revision_range"),
        Index(
            "uq_pronunciations_word_reading",
            "word",
            "reading",
            "owner_id",
            unique=True,
            postgresql_where=text("deleted_at IS NULL"),
            postgresql_nulls_not_distinct=True,
        ),
        Index(None, "owner_id", postgresql_where=text("owner_id IS NOT NULL")),
        Index(None, "created_by", postgresql_where=text("created_by IS NOT NULL")),
    )
