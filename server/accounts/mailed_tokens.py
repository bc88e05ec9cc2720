"""Makes the tokens that are mailed."""

from __future__ import annotations

from datetime import datetime

from server.accounts.domain.one_time_token import OneTimeToken, OneTimeTokenId, Purpose
from server.accounts.domain.secret import SECRET_BYTES, secret_digest, secret_text
from server.accounts.ports import SecretSource, UnitOfWork
from server.kernel.clock import IdSource
from server.kernel.identity import UserId


class MailedTokens:
    """Makes one-time tokens; a newer one voids the older ones of its purpose.

    Args:
        ids: makes their ids.
        secrets: makes their texts.
    """

    def __init__(self, ids: IdSource, secrets: SecretSource) -> None:
        self._ids = ids
        self._secrets = secrets

    async def issue(self, uow: UnitOfWork, user_id: UserId, purpose: Purpose, email: str, now: datetime) -> str:
        """Stores a new token and returns its text.

        Args:
            uow: a transaction that holds the user's lock.
            email: where it will be mailed to.
        """
        text = secret_text(self._secrets(SECRET_BYTES))
        await uow.one_time_tokens.void(user_id, purpose)
        await uow.one_time_tokens.add(
            OneTimeToken(
                id=OneTimeTokenId(self._ids.new_id()),
                user_id=user_id,
                purpose=purpose,
                digest=secret_digest(text),
                email=email,
                issued_at=now,
                expires_at=now + purpose.life,
            )
        )
        return text
