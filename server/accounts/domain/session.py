"""Sign-in sessions, their tokens, and the rules by which a refresh token is exchanged for the next.

Refresh tokens rotate at each use and a session is the family of all its tokens; a token that comes back after its use
ends the family (RFC 9700, section 4.14.2).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, StrEnum, auto
from typing import NewType

from server.kernel.identity import Role, SessionId, UserId

RefreshTokenId = NewType("RefreshTokenId", str)


class EndReason(StrEnum):
    """Why a session was ended before its time."""

    LOGOUT = "logout"
    REVOKED = "revoked"
    TOKEN_REUSED = "token_reused"  # noqa: S105 - a reason, not a secret
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - as above
    PASSWORD_RESET = "password_reset"  # noqa: S105 - as above
    ACCOUNT_INACTIVE = "account_inactive"
    ACCOUNT_DELETED = "account_deleted"


@dataclass(frozen=True, slots=True)
class Session:
    """One sign-in on one device, and the family of its refresh tokens.

    Attributes:
        id: the session's id, the same across refreshes.
        user_id: whose it is.
        device_name: what the client called its device; may be empty.
        user_agent: the client software when the tokens were last made, at most 200 characters; may be empty.
        created_at: when the sign-in was.
        refreshed_at: when the tokens were last made.
        expires_at: when the newest refresh token, and the session with it, expires.
        ended_at, end_reason: when and why it was ended before its time; both None while it was not.
    """

    id: SessionId
    user_id: UserId
    device_name: str
    user_agent: str
    created_at: datetime
    refreshed_at: datetime
    expires_at: datetime
    ended_at: datetime | None = None
    end_reason: EndReason | None = None

    def live(self, now: datetime) -> bool:
        """Whether its tokens work."""
        return self.ended_at is None and now < self.expires_at


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """A refresh token as the server keeps it.

    Attributes:
        id: the token's id.
        session_id: its family.
        digest: SHA-256 of its text, 32 bytes.
        issued_at, expires_at: its life.
        used_at: when it was used up; None while it is good.
        used_request_id: the request id of the call that used it up, where that had one.
        replaced_by: the token that took its place.
    """

    id: RefreshTokenId
    session_id: SessionId
    digest: bytes = field(repr=False)
    issued_at: datetime
    expires_at: datetime
    used_at: datetime | None = None
    used_request_id: str | None = None
    replaced_by: RefreshTokenId | None = None


@dataclass(frozen=True, slots=True)
class Family:
    """What decides about a refresh token that someone shows.

    Attributes:
        session: the token's session.
        user_active: whether its owner may sign in.
        token: the token shown.
        successor: the token that has its place now, where it was used.
    """

    session: Session
    user_active: bool
    token: RefreshToken
    successor: RefreshToken | None = None


@dataclass(frozen=True, slots=True)
class SessionAccess:
    """What decides about an access token.

    Attributes:
        user_id: whose session it is.
        role: the owner's role now.
        user_active: whether the owner may sign in now.
        session_live: whether the session has neither been ended nor run out.
        deletion_job_id: the job that deletes the owner's account, when that has begun.
    """

    user_id: UserId
    role: Role
    user_active: bool
    session_live: bool
    deletion_job_id: str | None = None


@dataclass(frozen=True, slots=True)
class TokenPair:
    """The credentials of a session. Its repr hides them.

    Attributes:
        session_id: the session.
        access_token: a JWT.
        access_expires_at: when it expires.
        refresh_token: opaque text, good for one refresh.
        refresh_expires_at: when it expires, and the session with it.
    """

    session_id: SessionId
    access_token: str = field(repr=False)
    access_expires_at: datetime
    refresh_token: str = field(repr=False)
    refresh_expires_at: datetime


class Refresh(Enum):
    """What is to be done with a refresh token that someone shows."""

    ROTATE = auto()
    """It is good: it is used up and a new one takes its place."""
    REPLAY = auto()
    """A retry of the call that used it up, whose answer may have got lost: a new one takes its successor's place."""
    REUSED = auto()
    """It was used up before, so someone has a copy: its session ends."""
    INVALID = auto()
    """It has expired, or its session has ended, or its owner may not sign in: nothing changes."""


def decide_refresh(family: Family, request_id: str | None, now: datetime) -> Refresh:
    """Decides about a refresh token.

    Args:
        family: the token and its session, as they are now and stay until what is decided is done.
        request_id: the call's request id, None where it has none.
        now: aware, UTC.
    """
    token, successor = family.token, family.successor
    if not family.session.live(now) or not family.user_active:
        return Refresh.INVALID
    if token.used_at is None:
        return Refresh.ROTATE if now < token.expires_at else Refresh.INVALID
    # A used token's expiry counts for nothing: an old copy is proof of theft all the same, and who waited long for an
    # answer that got lost is not locked out.
    retried = request_id is not None and request_id == token.used_request_id
    return Refresh.REPLAY if retried and successor is not None and successor.used_at is None else Refresh.REUSED
