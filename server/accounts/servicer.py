"""AccountsService: each method decodes, calls one use case, encodes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import grpc
from google.protobuf.message import Message

from kaiwa.accounts.v1 import accounts_service_pb2 as pb
from kaiwa.accounts.v1 import accounts_service_pb2_grpc as pb_grpc
from server.accounts import mapping
from server.accounts.get_me import GetMe
from server.accounts.get_public_config import GetPublicConfig
from server.accounts.login import Login
from server.accounts.logout import Logout
from server.accounts.refresh_tokens import RefreshTokens
from server.accounts.register import Register
from server.rpc.call import current_call, current_caller

Context: TypeAlias = grpc.aio.ServicerContext[Message, Message]


@dataclass(frozen=True, slots=True)
class AccountsUseCases:
    """What AccountsService answers with."""

    register: Register
    login: Login
    refresh_tokens: RefreshTokens
    logout: Logout
    get_me: GetMe
    get_public_config: GetPublicConfig


class AccountsServicer(pb_grpc.AccountsServiceServicer):
    """Answers AccountsService.

    Args:
        use_cases: what answers.
    """

    def __init__(self, use_cases: AccountsUseCases) -> None:
        self._use = use_cases

    async def Register(self, request: pb.RegisterRequest, context: Context) -> pb.RegisterResponse:
        made = await self._use.register(mapping.registration(request, _user_agent()))
        return pb.RegisterResponse(user=mapping.user_message(made.user), tokens=mapping.token_pair_message(made.tokens))

    async def Login(self, request: pb.LoginRequest, context: Context) -> pb.LoginResponse:
        begun = await self._use.login(mapping.sign_in(request, _user_agent()))
        return pb.LoginResponse(user=mapping.user_message(begun.user), tokens=mapping.token_pair_message(begun.tokens))

    async def RefreshTokens(self, request: pb.RefreshTokensRequest, context: Context) -> pb.RefreshTokensResponse:
        pair = await self._use.refresh_tokens(request.refresh_token, request.request_id.lower() or None, _user_agent())
        return pb.RefreshTokensResponse(tokens=mapping.token_pair_message(pair))

    async def Logout(self, request: pb.LogoutRequest, context: Context) -> pb.LogoutResponse:
        await self._use.logout(current_caller(), request.refresh_token or None)
        return pb.LogoutResponse()

    async def GetMe(self, request: pb.GetMeRequest, context: Context) -> pb.GetMeResponse:
        return pb.GetMeResponse(user=mapping.user_message(await self._use.get_me(current_caller())))

    async def GetPublicConfig(self, request: pb.GetPublicConfigRequest, context: Context) -> pb.GetPublicConfigResponse:
        return pb.GetPublicConfigResponse(values=await self._use.get_public_config())


def _user_agent() -> str:
    return current_call().metadata.get("user-agent", "")
