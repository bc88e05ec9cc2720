"""Makes the tokens of sessions: at sign-in and at each refresh."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from server.accounts.domain.secret import SECRET_BYTES, secret_digest, secret_text
from server.accounts.domain.session import (
    RefreshToken,
    RefreshTokenId,
    Session,
    TokenPair,
)
from server.accounts.domain.user import User, label
from server.accounts.ports import AccessClaims, AccessTokens, SecretSource, UnitOfWork
from server.kernel.clock import IdSource
from server.kernel.identity import SessionId, UserId

_MAX_DEVICE_NAME = 100
_MAX_USER_AGENT = 200


@dataclass(frozen=True, slots=True)
class Device:
    """What a client says of itself.

    Attributes:
        name: what it calls its device; may be empty.
        user_agent: its software; may be empty.
    """

    name: str = ""
    user_agent: str = ""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """An account and the tokens of a session that has just begun."""

    user: User
    tokens: TokenPair


class SessionTokens:
    """Begins sessions and renews their tokens.

    Args:
        access_tokens: signs access tokens.
        ids: makes ids of sessions and refresh tokens.
        secrets: makes refresh tokens.
        access_life: life of an access token.
        refresh_life: life of a refresh token, and of a session that is not refreshed.
    """

    def __init__(
        self,
        access_tokens: AccessTokens,
        ids: IdSource,
        secrets: SecretSource,
        *,
        access_life: timedelta,
        refresh_life: timedelta,
    ) -> None:
        self._access_tokens = access_tokens
        self._ids = ids
        self._secrets = secrets
        self._access_life = access_life
        self._refresh_life = refresh_life

    async def begin(self, uow: UnitOfWork, user_id: UserId, device: Device, now: datetime) -> TokenPair:
        """Stores a new session and returns its tokens."""
        session = Session(
            id=SessionId(self._ids.new_id()),
            user_id=user_id,
            device_name=label(device.name, _MAX_DEVICE_NAME),
            user_agent=label(device.user_agent, _MAX_USER_AGENT),
            created_at=now,
            refreshed_at=now,
            expires_at=now + self._refresh_life,
        )
        text, token = self.next_refresh_token(session)
        await uow.sessions.add(session, token)
        return self.pair(session, text)

    def refreshed(self, session: Session, user_agent: str, now: datetime) -> Session:
        """A session as it is after a refresh."""
        return replace(
            session,
            user_agent=label(user_agent, _MAX_USER_AGENT),
            refreshed_at=now,
            expires_at=now + self._refresh_life,
        )

    def next_refresh_token(self, session: Session) -> tuple[str, RefreshToken]:
        """A new refresh token of a session, made when the session was last refreshed: its text, and what is stored."""
        text = secret_text(self._secrets(SECRET_BYTES))
        token = RefreshToken(
            id=RefreshTokenId(self._ids.new_id()),
            session_id=session.id,
            digest=secret_digest(text),
            issued_at=session.refreshed_at,
            expires_at=session.expires_at,
        )
        return text, token

    def pair(self, session: Session, refresh_token: str) -> TokenPair:
        """What the client is given: a refresh token with an access token of the same moment."""
        # Cut to what the token can say.
        expires_at = (session.refreshed_at + self._access_life).replace(microsecond=0)
        return TokenPair(
            session_id=session.id,
            access_token=self._access_tokens.issue(
                AccessClaims(session.user_id, session.id, expires_at), session.refreshed_at
            ),
            access_expires_at=expires_at,
            refresh_token=refresh_token,
            refresh_expires_at=session.expires_at,
        )
