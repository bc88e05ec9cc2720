"""Background jobs as their owners see them. The queue that workers take them from is in procrastinate's schema."""

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from server.adapters.postgres.tables.base import Base, Count, Id, Instant, Json, PrimaryId, not_negative, one_of

KINDS = ("import", "export", "deletion", "audio_batch", "optimization", "simulation", "rescoring")
STATES = ("queued", "running", "cancelling", "succeeded", "failed", "cancelled")


class JobRow(Base):
    """A job. `attempts` is also its fencing token: what an attempt stores, it stores under its own number only.

    `due_at` is when the next attempt may begin; `heartbeat_at` when the worker that runs it last said so, by the
    database's clock; `input` what the job was asked, `checkpoint` what attempts so far keep for later ones; `result`
    and `failure` what came of it.
    """

    __tablename__ = "jobs"

    id: Mapped[PrimaryId]
    user_id: Mapped[Id] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    kind: Mapped[str]
    state: Mapped[str] = mapped_column(server_default="queued")
    input: Mapped[Json]
    checkpoint: Mapped[Json] = mapped_column(server_default=text("'{}'"))
    subject_id: Mapped[Id | None]
    done: Mapped[int] = mapped_column(BigInteger, server_default="0")
    total: Mapped[int | None] = mapped_column(BigInteger)
    stage: Mapped[str] = mapped_column(server_default="")
    attempts: Mapped[Count]
    max_attempts: Mapped[int]
    created_at: Mapped[Instant]
    due_at: Mapped[Instant]
    started_at: Mapped[Instant | None]
    heartbeat_at: Mapped[Instant | None]
    cancel_requested_at: Mapped[Instant | None]
    ended_at: Mapped[Instant | None]
    updated_at: Mapped[Instant]
    expires_at: Mapped[Instant | None]
    failure: Mapped[Json | None]
    result: Mapped[Json | None]

    __table_args__ = (
        one_of("kind", KINDS),
        one_of("state", STATES),
        *not_negative("done", "attempts"),
        CheckConstraint("attempts <= max_attempts", name="attempts_bounded"),
        CheckConstraint("total >= done", name="total_not_below_done"),
        CheckConstraint("(state = 'failed') = (failure IS NOT NULL)", name="failed_has_failure"),
        CheckConstraint("(state = 'succeeded') = (result IS NOT NULL)", name="succeeded_has_result"),
        CheckConstraint(
            "(state IN ('succeeded', 'failed', 'cancelled')) = (ended_at IS NOT NULL)", name="final_has_end"
        ),
        CheckConstraint("(ended_at IS NULL) = (expires_at IS NULL)", name="end_has_expiry"),
        Index(None, "user_id", "created_at", "id"),
        Index(None, "heartbeat_at", postgresql_where=text("state IN ('running', 'cancelling')")),
        Index(None, "due_at", postgresql_where=text("state = 'queued'")),
        Index(None, "expires_at", postgresql_where=text("expires_at IS NOT NULL")),
    )
