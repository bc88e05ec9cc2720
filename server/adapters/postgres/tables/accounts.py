"""Accounts: users, their sign-in sessions and tokens, and the log of what administrators do."""

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, func, text
from sqlalchemy.orm import Mapped, mapped_column

from server.adapters.postgres.tables.base import (
    Base,
    Count,
    Id,
    Instant,
    Json,
    PrimaryId,
    Small,
    in_range,
    not_negative,
    one_of,
)


class UserRow(Base):
    """An account. E-mail and username keep the case they were given in and are unique without regard to it.

    `deletion_job_id` is the job that deletes the account, null while nobody has asked for that.
    """

    __tablename__ = "users"

    id: Mapped[PrimaryId]
    email: Mapped[str]
    username: Mapped[str]
    password_hash: Mapped[str]
    role: Mapped[str] = mapped_column(server_default="student")
    native_language: Mapped[str] = mapped_column(server_default="en")
    target_language: Mapped[str] = mapped_column(server_default="ja")
    level: Mapped[Small] = mapped_column(server_default="1")
    time_zone: Mapped[str] = mapped_column(server_default="UTC")
    day_turn_hour: Mapped[Small] = mapped_column(server_default="4")
    voice_retention_days: Mapped[Small] = mapped_column(server_default="0")
    active: Mapped[bool] = mapped_column(server_default=text("true"))
    verified: Mapped[bool] = mapped_column(server_default=text("false"))
    deletion_job_id: Mapped[Id | None]
    created_at: Mapped[Instant]
    updated_at: Mapped[Instant]

    __table_args__ = (
        one_of("role", ("student", "teacher", "admin")),
        in_range("level", 1, 10),
        in_range("day_turn_hour", 0, 23),
        in_range("voice_retention_days", 0, 3650),
    )


Index("uq_users_email_lower", func.lower(UserRow.email), unique=True)
Index("uq_users_username_lower", func.lower(UserRow.username), unique=True)


class SessionRow(Base):
    """One sign-in on one device, and the family of its refresh tokens. No network address is kept."""

    __tablename__ = "sessions"

    id: Mapped[PrimaryId]
    user_id: Mapped[Id] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    device_name: Mapped[str] = mapped_column(server_default="")
    user_agent: Mapped[str] = mapped_column(server_default="")
    created_at: Mapped[Instant]
    refreshed_at: Mapped[Instant]
    expires_at: Mapped[Instant]
    revoked_at: Mapped[Instant | None]
    revoked_reason: Mapped[str | None]

    __table_args__ = (
        CheckConstraint("(revoked_at IS NULL) = (revoked_reason IS NULL)", name="revoked_has_reason"),
        Index(None, "user_id", "created_at"),
    )


class RefreshTokenRow(Base):
    """A refresh token, known by the SHA-256 of its secret. A second use revokes the whole session.

    `used_request_id` is the `request_id` of the call that used it: a retry with the same one is no second use.
    """

    __tablename__ = "refresh_tokens"

    id: Mapped[PrimaryId]
    session_id: Mapped[Id] = mapped_column(ForeignKey("sessions.id", ondelete="CASCADE"))
    token_hash: Mapped[bytes] = mapped_column(unique=True)
    issued_at: Mapped[Instant]
    expires_at: Mapped[Instant]
    used_at: Mapped[Instant | None]
    used_request_id: Mapped[Id | None]
    replaced_by: Mapped[Id | None] = mapped_column(ForeignKey("refresh_tokens.id", ondelete="SET NULL"))

    __table_args__ = (
        CheckConstraint("octet_length(token_hash) = 32", name="token_hash_sha256"),
        Index(None, "session_id"),
        Index(None, "expires_at"),
        Index(None, "replaced_by", postgresql_where=text("replaced_by IS NOT NULL")),
    )


class OneTimeTokenRow(Base):
    """A token that was mailed, known by the SHA-256 of its secret."""

    __tablename__ = "one_time_tokens"

    id: Mapped[PrimaryId]
    user_id: Mapped[Id] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    purpose: Mapped[str]
    token_hash: Mapped[bytes] = mapped_column(unique=True)
    email: Mapped[str]
    issued_at: Mapped[Instant]
    expires_at: Mapped[Instant]
    used_at: Mapped[Instant | None]

    __table_args__ = (
        one_of("purpose", ("verify_email", "reset_password")),
        CheckConstraint("octet_length(token_hash) = 32", name="token_hash_sha256"),
        Index(None, "user_id", "purpose"),
        Index(None, "expires_at"),
    )


class OutgoingMailRow(Base):
    """A mail that is to be sent, deleted once it has been. Neither its text nor a token: both are made when it is.

    `user_id` is null where whether the address is an account's is looked up only then. `due_at` is also until when who
    has taken it may send it.
    """

    __tablename__ = "outgoing_mails"

    id: Mapped[PrimaryId]
    kind: Mapped[str]
    user_id: Mapped[Id | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    address: Mapped[str]
    request_id: Mapped[Id | None]
    body_hash: Mapped[bytes | None]
    attempts: Mapped[Count]
    created_at: Mapped[Instant]
    due_at: Mapped[Instant]

    __table_args__ = (
        one_of("kind", ("verification", "address_changed", "password_reset")),
        *not_negative("attempts"),
        CheckConstraint("(request_id IS NULL) = (body_hash IS NULL)", name="request_has_body"),
        CheckConstraint("octet_length(body_hash) = 32", name="body_hash_sha256"),
        Index(None, "due_at"),
        Index(None, "user_id", postgresql_where=text("user_id IS NOT NULL")),
    )


class AuditLogRow(Base):
    """Something that an administrator did. `changes` has neither ids nor addresses: a deleted account leaves none."""

    __tablename__ = "audit_log"

    id: Mapped[PrimaryId]
    at: Mapped[Instant]
    actor_id: Mapped[Id | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    action: Mapped[str]
    user_id: Mapped[Id | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    config_key: Mapped[str | None]
    changes: Mapped[Json]
    note: Mapped[str] = mapped_column(server_default="")

    __table_args__ = (
        one_of("action", ("update_user", "set_config", "delete_config")),
        Index(None, "at"),
        Index(None, "actor_id", postgresql_where=text("actor_id IS NOT NULL")),
        Index(None, "user_id", postgresql_where=text("user_id IS NOT NULL")),
    )


class ExportRow(Base):
    """An archive of an account's data, known by the job that made it. It outlives the job, to say that it has expired.

    `deleted_at` is when the archive was deleted, null while it is there.
    """

    __tablename__ = "exports"

    job_id: Mapped[PrimaryId]
    user_id: Mapped[Id] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    object_key: Mapped[str] = mapped_column(unique=True)
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[bytes]
    created_at: Mapped[Instant]
    deleted_at: Mapped[Instant | None]

    __table_args__ = (
        *not_negative("size_bytes"),
        CheckConstraint("octet_length(sha256) = 32", name="sha256_length"),
        Index(None, "user_id"),
    )
