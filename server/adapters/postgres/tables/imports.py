"""Imports and their files."""

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from server.adapters.postgres.tables.base import Base, Id, Instant, Json, PrimaryId, not_negative, one_of

IMPORT_KINDS = ("tatoeba", "tatoeba_pairs", "anki_package", "table")
IMPORT_STATES = ("awaiting_files", "ready", "queued", "running", "succeeded", "failed", "cancelled", "expired")
FILE_ROLES = (
    "tatoeba_sentences",
    "tatoeba_english",
    "tatoeba_links",
    "tatoeba_indices",
    "tatoeba_audio",
    "tatoeba_pairs",
    "anki_package",
    "table",
    "table_media",
)


class ImportRow(Base):
    """An import: one user's, and goes with the account. The sentences that it brought into the shared space stay.

    `position` is how many entries of its files are done, in their order, `media_position` how many with their
    recordings; they are stored in the transactions that store those.
    """

    __tablename__ = "imports"

    id: Mapped[PrimaryId]
    owner_id: Mapped[Id] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    kind: Mapped[str]
    state: Mapped[str]
    options: Mapped[Json]
    job_id: Mapped[Id | None]
    position: Mapped[int] = mapped_column(BigInteger, server_default="0")
    media_position: Mapped[int] = mapped_column(BigInteger, server_default="0")
    report: Mapped[Json | None]
    failure: Mapped[Json | None]
    created_at: Mapped[Instant]
    updated_at: Mapped[Instant]
    started_at: Mapped[Instant | None]
    finished_at: Mapped[Instant | None]
    expires_at: Mapped[Instant | None]

    __table_args__ = (
        one_of("kind", IMPORT_KINDS),
        one_of("state", IMPORT_STATES),
        CheckConstraint("(state = 'failed') = (failure IS NOT NULL)", name="failed_has_failure"),
        *not_negative("position", "media_position"),
        Index(None, "owner_id", "created_at", "id"),
        Index(None, "expires_at", postgresql_where=text("expires_at IS NOT NULL")),
    )


class ImportFileRow(Base):
    """A file of an import. `sha256` is null until it is complete and was checked."""

    __tablename__ = "import_files"

    import_id: Mapped[PrimaryId] = mapped_column(ForeignKey("imports.id", ondelete="CASCADE"))
    role: Mapped[str] = mapped_column(primary_key=True)
    upload_id: Mapped[Id]
    file_name: Mapped[str] = mapped_column(server_default="")
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    received_bytes: Mapped[int] = mapped_column(BigInteger, server_default="0")
    sha256: Mapped[bytes | None]

    __table_args__ = (
        one_of("role", FILE_ROLES),
        *not_negative("received_bytes"),
        CheckConstraint("received_bytes <= size_bytes", name="received_within_size"),
        CheckConstraint("octet_length(sha256) = 32", name="sha256_length"),
    )


class ImportPartRow(Base):
    """A part of a file as it came: an object in the store."""

    __tablename__ = "import_parts"

    import_id: Mapped[PrimaryId]
    role: Mapped[str] = mapped_column(primary_key=True)
    start: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    size_bytes: Mapped[int]
    object_key: Mapped[str] = mapped_column(unique=True)

    __table_args__ = (
        ForeignKeyConstraint(
            ["import_id", "role"], ["import_files.import_id", "import_files.role"], ondelete="CASCADE"
        ),
    )
