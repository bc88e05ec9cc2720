"""What belongs to no one service: configuration, and the first answers to repeatable requests."""

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from server.adapters.postgres.tables.base import Base, Id, Instant, PrimaryId


class SystemConfigRow(Base):
    """One setting that an administrator can change at run time; clients may read the public ones."""

    __tablename__ = "system_config"

    key: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str]
    description: Mapped[str] = mapped_column(server_default="")
    is_public: Mapped[bool] = mapped_column(server_default=text("false"))
    updated_at: Mapped[Instant]
    updated_by: Mapped[Id | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))

    __table_args__ = (Index(None, "updated_by", postgresql_where=text("updated_by IS NOT NULL")),)


class IdempotencyKeyRow(Base):
    """The first answer to a mutation that named a `request_id`; `response` is null only inside its transaction."""

    __tablename__ = "idempotency_keys"

    user_id: Mapped[PrimaryId] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    method: Mapped[str] = mapped_column(primary_key=True)
    request_id: Mapped[PrimaryId]
    body_hash: Mapped[bytes]
    response: Mapped[bytes | None]
    created_at: Mapped[Instant]

    __table_args__ = (
        CheckConstraint("octet_length(body_hash) = 32", name="body_hash_sha256"),
        Index(None, "created_at"),
    )
