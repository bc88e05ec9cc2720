"""Accounts between the contract and the domain."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from kaiwa.accounts.v1 import accounts_service_pb2 as pb
from kaiwa.accounts.v1 import session_pb2, user_pb2
from server.accounts.domain.password import Password
from server.accounts.domain.session import TokenPair
from server.accounts.domain.user import (
    DEFAULT_DAY_TURN_HOUR,
    DEFAULT_LEVEL,
    DEFAULT_NATIVE_LANGUAGE,
    DEFAULT_TARGET_LANGUAGE,
    DEFAULT_TIME_ZONE,
    User,
)
from server.accounts.login import SignIn
from server.accounts.register import Registration, Repeat
from server.accounts.session_tokens import Device
from server.kernel.identity import Role
from server.rpc.wire import body_hash, timestamp

_ROLES: Mapping[Role, user_pb2.Role.ValueType] = MappingProxyType(
    {
        Role.STUDENT: user_pb2.ROLE_STUDENT,
        Role.TEACHER: user_pb2.ROLE_TEACHER,
        Role.ADMIN: user_pb2.ROLE_ADMIN,
    }
)


def registration(request: pb.RegisterRequest, user_agent: str) -> Registration:
    """What a RegisterRequest asks for, with the contract's defaults where it is silent."""
    return Registration(
        email=request.email,
        username=request.username,
        password=Password(request.password),
        native_language=request.native_language or DEFAULT_NATIVE_LANGUAGE,
        target_language=request.target_language or DEFAULT_TARGET_LANGUAGE,
        level=request.level or DEFAULT_LEVEL,
        time_zone=request.time_zone or DEFAULT_TIME_ZONE,
        day_turn_hour=request.day_turn_hour if request.HasField("day_turn_hour") else DEFAULT_DAY_TURN_HOUR,
        device=Device(request.device_name, user_agent),
        repeat=_repeat(request),
    )


def _repeat(request: pb.RegisterRequest) -> Repeat | None:
    if not request.request_id:
        return None
    # The hash is stored, and it is a fast one: guessing the password by it must not be possible.
    bare = pb.RegisterRequest()
    bare.CopyFrom(request)
    bare.ClearField("password")
    return Repeat(request.request_id.lower(), body_hash(bare))


def sign_in(request: pb.LoginRequest, user_agent: str) -> SignIn:
    """What a LoginRequest asks for."""
    return SignIn(request.login, Password(request.password), Device(request.device_name, user_agent))


def user_message(user: User) -> user_pb2.User:
    """An account as the contract has it."""
    return user_pb2.User(
        id=user.id,
        email=user.email,
        username=user.username,
        role=_ROLES[user.role],
        native_language=user.native_language,
        target_language=user.target_language,
        level=user.level,
        time_zone=user.time_zone,
        day_turn_hour=user.day_turn_hour,
        voice_retention_days=user.voice_retention_days,
        active=user.active,
        verified=user.verified,
        create_time=timestamp(user.created_at),
        update_time=timestamp(user.updated_at),
    )


def token_pair_message(pair: TokenPair) -> session_pb2.TokenPair:
    """Tokens as the contract has them."""
    return session_pb2.TokenPair(
        access_token=pair.access_token,
        access_token_expire_time=timestamp(pair.access_expires_at),
        refresh_token=pair.refresh_token,
        refresh_token_expire_time=timestamp(pair.refresh_expires_at),
        token_type="Bearer",  # noqa: S106 - the scheme's name
        session_id=pair.session_id,
    )
