"""RequestPasswordReset: mails a token that a forgotten password can be replaced with."""

from __future__ import annotations

from server.accounts.domain.one_time_token import Purpose
from server.accounts.domain.user import normalize_email, sign_in_key
from server.accounts.guard import Guard
from server.accounts.mailed_tokens import MailedTokens
from server.accounts.mails import MailTexts
from server.accounts.ports import Background, Mailer, UnitOfWorkFactory
from server.accounts.repeat import Repeat
from server.errors import AlreadyExists
from server.kernel.clock import Clock
from server.kernel.identity import UserId

_METHOD = "/kaiwa.accounts.v1.AccountsService/RequestPasswordReset"


class RequestPasswordReset:
    """Mails a token to the address of an active account.

    The call looks the address up and answers; what there is to do for one that is known is done afterwards, so that
    the time of the answer does not tell either.

    Args:
        unit_of_work: opens a transaction.
        background: does what comes after the answer.
        tokens: makes the token.
        mailer: sends the mail.
        texts: writes it.
        clock: tells the time.
        guard: counts requests.
    """

    def __init__(
        self,
        unit_of_work: UnitOfWorkFactory,
        background: Background,
        tokens: MailedTokens,
        mailer: Mailer,
        texts: MailTexts,
        clock: Clock,
        guard: Guard,
    ) -> None:
        self._unit_of_work = unit_of_work
        self._background = background
        self._tokens = tokens
        self._mailer = mailer
        self._texts = texts
        self._clock = clock
        self._guard = guard

    async def __call__(self, email: str, network: str, repeat: Repeat | None) -> None:
        """Takes the request; says nothing about whether there is such an account.

        Args:
            email: as given.
            network: where the call comes from.
            repeat: makes the call safe to retry.

        Raises:
            ResourceExhausted: RATE_LIMITED, whether there is such an account or not.
        """
        await self._guard.mail_to(normalize_email(email), network)
        async with self._unit_of_work() as uow:
            found = await uow.users.find_by_email(sign_in_key(normalize_email(email)))
        if found is not None:
            self._background.start(self._send(found.user.id, repeat))

    async def _send(self, user_id: UserId, repeat: Repeat | None) -> None:
        now = self._clock.now()
        async with self._unit_of_work() as uow:
            present = await uow.users.lock(user_id)
            if present is None or not present.user.may_sign_in:
                return
            user = present.user
            if repeat is not None:
                claim = (user_id, _METHOD, repeat.request_id)
                try:
                    if await uow.idempotency.claim(*claim, repeat.body_hash, now) is not None:
                        return
                except AlreadyExists:
                    # The id of another request, which the answer can't tell without telling of the account.
                    return
                await uow.idempotency.store(*claim, b"")
            token = await self._tokens.issue(uow, user_id, Purpose.RESET_PASSWORD, user.email, now)
            await uow.commit()
        self._mailer.post(self._texts.password_reset(user.email, user.username, token))
