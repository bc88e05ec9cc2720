"""Who calls."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NewType

UserId = NewType("UserId", str)
SessionId = NewType("SessionId", str)


class Role(StrEnum):
    """What a user is to Kaiwa. Each role may do all that those before it may."""

    STUDENT = "student"
    TEACHER = "teacher"
    ADMIN = "admin"

    def includes(self, other: Role) -> bool:
        """Whether this role may do all that `other` may."""
        order = list(Role)
        return order.index(self) >= order.index(other)


@dataclass(frozen=True, slots=True)
class Caller:
    """The user behind a call, as their access token says and the database confirms.

    Attributes:
        user_id: the user.
        role: their role at this moment (the database's, not the token's).
        session_id: the sign-in session that the token belongs to.
        expires_at: when the access token expires, aware, UTC.
        deletion_job_id: the job that deletes the user's account, when that has begun: only it may be seen then.
    """

    user_id: UserId
    role: Role
    session_id: SessionId
    expires_at: datetime
    deletion_job_id: str | None = None
