"""Tokens that are mailed and work once."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NewType

from server.kernel.identity import UserId

OneTimeTokenId = NewType("OneTimeTokenId", str)


class Purpose(StrEnum):
    """What a token is good for."""

    VERIFY_EMAIL = "verify_email"
    RESET_PASSWORD = "reset_password"  # noqa: S105 - a purpose, not a secret

    @property
    def life(self) -> timedelta:
        """How long a token for it is good; the contract says so."""
        return timedelta(hours=24) if self is Purpose.VERIFY_EMAIL else timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class OneTimeToken:
    """A mailed token as the server keeps it.

    Attributes:
        id: the token's id.
        user_id: whose it is.
        purpose: what it is good for.
        digest: SHA-256 of its text, 32 bytes.
        email: the address that it proves, where it was mailed to. Not in the repr, which may be logged.
        issued_at, expires_at: its life.
        used_at: when it did its work; None while it has not.
    """

    id: OneTimeTokenId
    user_id: UserId
    purpose: Purpose
    digest: bytes = field(repr=False)
    email: str = field(repr=False)
    issued_at: datetime
    expires_at: datetime
    used_at: datetime | None = None

    def expired(self, now: datetime) -> bool:
        """Whether its time is over, used or not."""
        return now >= self.expires_at
