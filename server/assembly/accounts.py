"""AccountsService put together."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Mapping
from datetime import timedelta

from kaiwa.accounts.v1 import accounts_service_pb2_grpc as accounts_rpc
from server.accounts.change_password import ChangePassword
from server.accounts.delete_me import DeleteMe
from server.accounts.download_my_data import DownloadMyData
from server.accounts.even_times import EvenTimes
from server.accounts.export_my_data import ExportMyData
from server.accounts.get_me import GetMe
from server.accounts.get_public_config import GetPublicConfig
from server.accounts.guard import Guard
from server.accounts.list_config import ListConfig
from server.accounts.list_sessions import ListSessions
from server.accounts.list_users import ListUsers
from server.accounts.login import Login
from server.accounts.logout import Logout
from server.accounts.mailed_tokens import MailedTokens
from server.accounts.mails import MailTexts
from server.accounts.outbox import Outbox
from server.accounts.ports import Tally
from server.accounts.refresh_tokens import RefreshTokens
from server.accounts.register import Register
from server.accounts.request_email_verification import RequestEmailVerification
from server.accounts.request_password_reset import RequestPasswordReset
from server.accounts.reset_password import ResetPassword
from server.accounts.revoke_session import RevokeSession
from server.accounts.send_mails import SendMails
from server.accounts.servicer import AccountsServicer, AccountsUseCases
from server.accounts.session_tokens import SessionTokens
from server.accounts.set_config import SetConfig
from server.accounts.turns import Turns
from server.accounts.update_me import UpdateMe
from server.accounts.update_user import UpdateUser
from server.accounts.verify_email import VerifyEmail
from server.adapters.background import Rounds
from server.adapters.clock import known_time_zones
from server.adapters.mail import MailSender, SmtpServer, to_folder, to_smtp
from server.adapters.passwords import Argon2Passwords
from server.adapters.postgres.unit_of_work import PostgresUnitOfWork
from server.adapters.tally import MemoryTally, RedisTally
from server.adapters.tokens import JwtAccessTokens, page_token_secret
from server.assembly.shared import Shared
from server.jobs.domain.kinds import JobKind
from server.jobs.start_job import StartJob
from server.kernel.identity import UserId
from server.rpc.server import Service


class _Begin:
    """Begins jobs of one kind."""

    def __init__(self, start: StartJob, kind: JobKind) -> None:
        self._start = start
        self._kind = kind

    async def __call__(self, uow: PostgresUnitOfWork, user_id: UserId, asked: Mapping[str, object]) -> str:
        return await self._start(uow, user_id, self._kind, asked)


_MAILS_EVERY = timedelta(seconds=15)
"""How often each server looks for mails that another has left."""


def accounts(
    shared: Shared, passwords: Argon2Passwords, access_tokens: JwtAccessTokens
) -> tuple[Service, DownloadMyData]:
    """AccountsService, and the downloads that it has under way."""
    settings, unit_of_work, clock, ids = shared.settings, shared.unit_of_work, shared.clock, shared.ids
    tokens = SessionTokens(
        access_tokens,
        ids,
        secrets.token_bytes,
        access_life=settings.tokens.access,
        refresh_life=settings.tokens.refresh,
    )
    sender = _mail_sender(shared)
    shared.stack.callback(sender.close)
    send_mails = SendMails(
        unit_of_work, MailedTokens(ids, secrets.token_bytes), MailTexts(settings.mails.app_url), sender, clock
    )
    rounds = Rounds("mails", send_mails, _MAILS_EVERY)
    rounds.start()
    shared.stack.push_async_callback(rounds.close)
    outbox = Outbox(ids, rounds.wake)
    guard = Guard(_tally(shared), page_token_secret(settings.keys))
    zones = known_time_zones()
    start = StartJob(clock, ids)
    downloads = DownloadMyData(unit_of_work, shared.store, clock)
    use_cases = AccountsUseCases(
        register=Register(unit_of_work, passwords, tokens, clock, ids, zones, guard),
        login=Login(
            unit_of_work,
            passwords,
            tokens,
            clock,
            guard,
            EvenTimes(time.monotonic, asyncio.sleep),
            Turns(passwords.threads),
        ),
        refresh_tokens=RefreshTokens(unit_of_work, tokens, clock),
        logout=Logout(unit_of_work, clock),
        list_sessions=ListSessions(unit_of_work, clock),
        revoke_session=RevokeSession(unit_of_work, clock),
        get_me=GetMe(unit_of_work),
        update_me=UpdateMe(unit_of_work, clock, ids, zones),
        change_password=ChangePassword(unit_of_work, passwords, clock, guard),
        request_email_verification=RequestEmailVerification(unit_of_work, passwords, outbox, clock, guard),
        verify_email=VerifyEmail(unit_of_work, outbox, clock),
        request_password_reset=RequestPasswordReset(unit_of_work, outbox, clock, guard),
        reset_password=ResetPassword(unit_of_work, passwords, clock, guard),
        list_users=ListUsers(unit_of_work),
        update_user=UpdateUser(unit_of_work, clock, ids),
        list_config=ListConfig(unit_of_work),
        set_config=SetConfig(unit_of_work, clock, ids),
        get_public_config=GetPublicConfig(unit_of_work),
        export_my_data=ExportMyData(unit_of_work, _Begin(start, JobKind.EXPORT), clock),
        download_my_data=downloads,
        delete_me=DeleteMe(unit_of_work, passwords, _Begin(start, JobKind.DELETION), clock, guard),
    )
    servicer = AccountsServicer(use_cases, shared.page_tokens)
    add = accounts_rpc.add_AccountsServiceServicer_to_server
    return Service("kaiwa.accounts.v1.AccountsService", add, servicer), downloads


def _tally(shared: Shared) -> Tally:
    here = MemoryTally(shared.clock)
    if shared.settings.redis_url is None:
        return here
    together = RedisTally(shared.settings.redis_url, here)
    shared.stack.push_async_callback(together.close)
    return together


def _mail_sender(shared: Shared) -> MailSender:
    smtp = shared.settings.mails.smtp
    if smtp is None:
        deliver = to_folder(shared.settings.home / "mail", shared.ids)
    else:
        deliver = to_smtp(SmtpServer(smtp.host, smtp.port, smtp.implicit_tls, smtp.user, smtp.password))
    return MailSender(deliver, shared.settings.mails.sender, shared.clock)
