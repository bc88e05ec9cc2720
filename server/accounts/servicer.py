"""AccountsService: each method decodes, calls one use case, encodes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import grpc
from google.protobuf.message import Message

from kaiwa.accounts.v1 import accounts_service_pb2 as pb
from kaiwa.accounts.v1 import accounts_service_pb2_grpc as pb_grpc
from server.accounts import mapping
from server.accounts.change_password import ChangePassword
from server.accounts.domain.password import Password
from server.accounts.download_my_data import DownloadMyData
from server.accounts.get_me import GetMe
from server.accounts.get_public_config import GetPublicConfig
from server.accounts.list_config import ListConfig
from server.accounts.list_sessions import ListSessions
from server.accounts.list_users import ListUsers
from server.accounts.login import Login
from server.accounts.logout import Logout
from server.accounts.refresh_tokens import RefreshTokens
from server.accounts.register import Register
from server.accounts.repeat import Repeat
from server.accounts.request_email_verification import RequestEmailVerification
from server.accounts.request_password_reset import RequestPasswordReset
from server.accounts.reset_password import ResetPassword
from server.accounts.revoke_session import RevokeSession
from server.accounts.set_config import SetConfig
from server.accounts.update_me import UpdateMe
from server.accounts.update_user import UpdateUser
from server.accounts.verify_email import VerifyEmail
from server.kernel.identity import Caller, SessionId, UserId
from server.rpc.call import current_call, current_caller
from server.rpc.wire import PageTokens

Context: TypeAlias = grpc.aio.ServicerContext[Message, Message]


class ExportMyDataUseCase(Protocol):
    """ExportMyData, whatever its unit of work."""

    def __call__(self, caller: Caller, *, omit_audio: bool, repeat: Repeat | None) -> Awaitable[str]:
        """The job's id."""
        ...


class DeleteMeUseCase(Protocol):
    """DeleteMe, whatever its unit of work."""

    def __call__(self, caller: Caller, password: Password, network: str) -> Awaitable[str]:
        """The job's id."""
        ...


@dataclass(frozen=True, slots=True)
class AccountsUseCases:
    """What AccountsService answers with."""

    register: Register
    login: Login
    refresh_tokens: RefreshTokens
    logout: Logout
    list_sessions: ListSessions
    revoke_session: RevokeSession
    get_me: GetMe
    update_me: UpdateMe
    change_password: ChangePassword
    request_email_verification: RequestEmailVerification
    verify_email: VerifyEmail
    request_password_reset: RequestPasswordReset
    reset_password: ResetPassword
    list_users: ListUsers
    update_user: UpdateUser
    list_config: ListConfig
    set_config: SetConfig
    get_public_config: GetPublicConfig
    export_my_data: ExportMyDataUseCase
    download_my_data: DownloadMyData
    delete_me: DeleteMeUseCase


class AccountsServicer(pb_grpc.AccountsServiceServicer):
    """Answers AccountsService.

    Args:
        use_cases: what answers.
        page_tokens: makes and reads page tokens.
    """

    def __init__(self, use_cases: AccountsUseCases, page_tokens: PageTokens) -> None:
        self._use = use_cases
        self._page_tokens = page_tokens

    async def Register(self, request: pb.RegisterRequest, context: Context) -> pb.RegisterResponse:
        made = await self._use.register(mapping.registration(request, _user_agent(), current_call().network))
        return pb.RegisterResponse(user=mapping.user_message(made.user), tokens=mapping.token_pair_message(made.tokens))

    async def Login(self, request: pb.LoginRequest, context: Context) -> pb.LoginResponse:
        begun = await self._use.login(mapping.sign_in(request, _user_agent(), current_call().network))
        return pb.LoginResponse(user=mapping.user_message(begun.user), tokens=mapping.token_pair_message(begun.tokens))

    async def RefreshTokens(self, request: pb.RefreshTokensRequest, context: Context) -> pb.RefreshTokensResponse:
        pair = await self._use.refresh_tokens(request.refresh_token, request.request_id.lower() or None, _user_agent())
        return pb.RefreshTokensResponse(tokens=mapping.token_pair_message(pair))

    async def Logout(self, request: pb.LogoutRequest, context: Context) -> pb.LogoutResponse:
        await self._use.logout(current_caller(), request.refresh_token or None)
        return pb.LogoutResponse()

    async def ListSessions(self, request: pb.ListSessionsRequest, context: Context) -> pb.ListSessionsResponse:
        caller = current_caller()
        page = await self._use.list_sessions(caller, self._page_tokens.request("ListSessions", request))
        return pb.ListSessionsResponse(
            sessions=(mapping.session_message(session, caller.session_id) for session in page.items),
            next_page_token=self._page_tokens.token("ListSessions", request, page.next),
        )

    async def RevokeSession(self, request: pb.RevokeSessionRequest, context: Context) -> pb.RevokeSessionResponse:
        await self._use.revoke_session(current_caller(), SessionId(request.session_id.lower()))
        return pb.RevokeSessionResponse()

    async def GetMe(self, request: pb.GetMeRequest, context: Context) -> pb.GetMeResponse:
        return pb.GetMeResponse(user=mapping.user_message(await self._use.get_me(current_caller())))

    async def UpdateMe(self, request: pb.UpdateMeRequest, context: Context) -> pb.UpdateMeResponse:
        user = await self._use.update_me(current_caller(), mapping.profile_change(request))
        return pb.UpdateMeResponse(user=mapping.user_message(user))

    async def ChangePassword(self, request: pb.ChangePasswordRequest, context: Context) -> pb.ChangePasswordResponse:
        ended = await self._use.change_password(
            current_caller(), Password(request.current_password), Password(request.new_password)
        )
        return pb.ChangePasswordResponse(ended_sessions=ended)

    async def RequestEmailVerification(
        self, request: pb.RequestEmailVerificationRequest, context: Context
    ) -> pb.RequestEmailVerificationResponse:
        await self._use.request_email_verification(
            current_caller(), mapping.new_address(request), current_call().network, mapping.repeat(request)
        )
        return pb.RequestEmailVerificationResponse()

    async def VerifyEmail(self, request: pb.VerifyEmailRequest, context: Context) -> pb.VerifyEmailResponse:
        await self._use.verify_email(request.token)
        return pb.VerifyEmailResponse()

    async def RequestPasswordReset(
        self, request: pb.RequestPasswordResetRequest, context: Context
    ) -> pb.RequestPasswordResetResponse:
        await self._use.request_password_reset(request.email, current_call().network, mapping.repeat(request))
        return pb.RequestPasswordResetResponse()

    async def ResetPassword(self, request: pb.ResetPasswordRequest, context: Context) -> pb.ResetPasswordResponse:
        await self._use.reset_password(request.token, Password(request.new_password), current_call().network)
        return pb.ResetPasswordResponse()

    async def ExportMyData(self, request: pb.ExportMyDataRequest, context: Context) -> pb.ExportMyDataResponse:
        job_id = await self._use.export_my_data(
            current_caller(), omit_audio=request.omit_audio, repeat=mapping.repeat(request)
        )
        return pb.ExportMyDataResponse(job_id=job_id)

    async def DownloadMyData(
        self, request: pb.DownloadMyDataRequest, context: Context
    ) -> AsyncIterator[pb.DownloadMyDataResponse]:
        download = await self._use.download_my_data(current_caller(), request.job_id.lower(), request.offset)
        yield pb.DownloadMyDataResponse(header=mapping.download_header(download, request.offset))
        async with aclosing(download.chunks) as chunks:
            async for chunk in chunks:
                yield pb.DownloadMyDataResponse(chunk=chunk)

    async def DeleteMe(self, request: pb.DeleteMeRequest, context: Context) -> pb.DeleteMeResponse:
        job_id = await self._use.delete_me(current_caller(), Password(request.password), current_call().network)
        return pb.DeleteMeResponse(job_id=job_id)

    async def ListUsers(self, request: pb.ListUsersRequest, context: Context) -> pb.ListUsersResponse:
        page = await self._use.list_users(mapping.user_filter(request), self._page_tokens.request("ListUsers", request))
        return pb.ListUsersResponse(
            users=map(mapping.user_message, page.items),
            next_page_token=self._page_tokens.token("ListUsers", request, page.next),
        )

    async def UpdateUser(self, request: pb.UpdateUserRequest, context: Context) -> pb.UpdateUserResponse:
        user = await self._use.update_user(
            current_caller(), UserId(request.user.id.lower()), mapping.user_change(request)
        )
        return pb.UpdateUserResponse(user=mapping.user_message(user))

    async def ListConfig(self, request: pb.ListConfigRequest, context: Context) -> pb.ListConfigResponse:
        page = await self._use.list_config(request.key_prefix, self._page_tokens.request("ListConfig", request))
        return pb.ListConfigResponse(
            entries=map(mapping.config_entry_message, page.items),
            next_page_token=self._page_tokens.token("ListConfig", request, page.next),
        )

    async def SetConfig(self, request: pb.SetConfigRequest, context: Context) -> pb.SetConfigResponse:
        entry = await self._use.set_config(current_caller(), *mapping.config_change(request), request.audit_note)
        return pb.SetConfigResponse(entry=None if entry is None else mapping.config_entry_message(entry))

    async def GetPublicConfig(self, request: pb.GetPublicConfigRequest, context: Context) -> pb.GetPublicConfigResponse:
        return pb.GetPublicConfigResponse(values=await self._use.get_public_config())


def _user_agent() -> str:
    return current_call().metadata.get("user-agent", "")
