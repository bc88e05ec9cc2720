"""Mails that are to be sent. What they say, and the token in them, is made when they are."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NewType

from server.kernel.identity import UserId

OutgoingMailId = NewType("OutgoingMailId", str)

LEASE = timedelta(minutes=3)
"""How long who has taken a mail has to send it, before another tries: longer than any mail server may be waited for."""
_FIRST_PAUSE = timedelta(seconds=5)
_LONGEST_PAUSE = timedelta(minutes=30)
_GIVEN_UP_AFTER = timedelta(days=1)


class MailKind(StrEnum):
    """What a mail is for."""

    VERIFICATION = "verification"
    """To an address that its owner is to confirm, or, where it is another's, a notice to them."""
    ADDRESS_CHANGED = "address_changed"
    """To the address that an account had until now."""
    PASSWORD_RESET = "password_reset"  # noqa: S105 - a kind, not a secret
    """To an address that may be an account's: whether it is, is looked up when the mail is made."""


@dataclass(frozen=True, slots=True)
class OutgoingMail:
    """A mail that is to be sent.

    Attributes:
        id: the mail's id.
        kind: what it is for.
        address: where it goes, as it was asked for. Not in the repr, which may be logged.
        created_at: when it was asked for.
        due_at: when it is tried next.
        user_id: whose account it is about; None where that is to be looked up.
        request_id, body_hash: of the request that asked for it, where a repeat of it is to send nothing more.
        attempts: how often it was taken to be sent, this time included.
    """

    id: OutgoingMailId
    kind: MailKind
    address: str = field(repr=False)
    created_at: datetime
    due_at: datetime
    user_id: UserId | None = None
    request_id: str | None = None
    body_hash: bytes | None = None
    attempts: int = 0

    def again_at(self, now: datetime) -> datetime | None:
        """When to try again after a failure; None when it is given up."""
        if now - self.created_at >= _GIVEN_UP_AFTER:
            return None
        return now + min(_FIRST_PAUSE * (1 << min(max(self.attempts - 1, 0), 20)), _LONGEST_PAUSE)
