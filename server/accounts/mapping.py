"""Accounts between the contract and the domain."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from types import MappingProxyType
from typing import TypeAlias

from google.protobuf.message import Message

from kaiwa.accounts.v1 import accounts_service_pb2 as pb
from kaiwa.accounts.v1 import config_entry_pb2, session_pb2, user_pb2
from server.accounts.domain.administration import ConfigEntry, UserFilter
from server.accounts.domain.export import CONTENT_TYPE
from server.accounts.domain.password import Password
from server.accounts.domain.session import Session, TokenPair
from server.accounts.domain.user import (
    DEFAULT_DAY_TURN_HOUR,
    DEFAULT_LEVEL,
    DEFAULT_NATIVE_LANGUAGE,
    DEFAULT_TARGET_LANGUAGE,
    DEFAULT_TIME_ZONE,
    User,
    sign_in_key,
)
from server.accounts.download_my_data import Download
from server.accounts.login import SignIn
from server.accounts.register import Registration
from server.accounts.repeat import Repeat
from server.accounts.request_email_verification import NewAddress
from server.accounts.session_tokens import Device
from server.accounts.set_config import ConfigValue
from server.accounts.update_me import ProfileChange
from server.accounts.update_user import UserChange
from server.errors import InvalidInput
from server.kernel.identity import Role, SessionId
from server.rpc.wire import body_hash, masked_fields, timestamp

_ROLES: Mapping[Role, user_pb2.Role.ValueType] = MappingProxyType(
    {
        Role.STUDENT: user_pb2.ROLE_STUDENT,
        Role.TEACHER: user_pb2.ROLE_TEACHER,
        Role.ADMIN: user_pb2.ROLE_ADMIN,
    }
)
_ROLES_FROM = {value: role for role, value in _ROLES.items()}
_PROFILE = frozenset(field.name for field in fields(ProfileChange))

Repeatable: TypeAlias = (
    pb.RegisterRequest | pb.RequestEmailVerificationRequest | pb.RequestPasswordResetRequest | pb.ExportMyDataRequest
)


def registration(request: pb.RegisterRequest, user_agent: str, network: str) -> Registration:
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
        network=network,
        repeat=repeat(request),
    )


def repeat(request: Repeatable) -> Repeat | None:
    """What makes a call safe to retry; None where it asked for no such thing."""
    if not request.request_id:
        return None
    return Repeat(request.request_id.lower(), body_hash(_without_password(request)))


def _without_password(request: Message) -> Message:
    # The hash is stored, and it is a fast one: guessing the password by it must not be possible.
    bare = type(request)()
    bare.CopyFrom(request)
    if "password" in bare.DESCRIPTOR.fields_by_name:
        bare.ClearField("password")
    return bare


def sign_in(request: pb.LoginRequest, user_agent: str, network: str) -> SignIn:
    """What a LoginRequest asks for."""
    return SignIn(request.login, Password(request.password), Device(request.device_name, user_agent), network)


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


def session_message(session: Session, current: SessionId) -> session_pb2.Session:
    """A session as the contract has it.

    Args:
        current: the session that the call was made with.
    """
    return session_pb2.Session(
        id=session.id,
        device_name=session.device_name,
        user_agent=session.user_agent,
        create_time=timestamp(session.created_at),
        refresh_time=timestamp(session.refreshed_at),
        expire_time=timestamp(session.expires_at),
        current=session.id == current,
    )


def profile_change(request: pb.UpdateMeRequest) -> ProfileChange:
    """What an UpdateMeRequest asks for.

    Raises:
        InvalidInput: INVALID_FIELD_MASK.
    """
    named = masked_fields(request.update_mask, _PROFILE)
    return ProfileChange(**{name: getattr(request.user, name) for name in named})


def new_address(request: pb.RequestEmailVerificationRequest) -> NewAddress | None:
    """The address to change to; None where the present one is meant."""
    return NewAddress(request.new_email, Password(request.password)) if request.new_email else None


def user_filter(request: pb.ListUsersRequest) -> UserFilter:
    """Which accounts a ListUsersRequest asks for."""
    return UserFilter(
        text=sign_in_key(request.query),
        role=_ROLES_FROM.get(request.role),
        active=request.active if request.HasField("active") else None,
        verified=request.verified if request.HasField("verified") else None,
    )


def user_change(request: pb.UpdateUserRequest) -> UserChange:
    """What an UpdateUserRequest asks for.

    Raises:
        InvalidInput: INVALID_FIELD_MASK; INVALID_FIELD for a role that is unspecified.
    """
    named = masked_fields(request.update_mask, {"role", "active"})
    role = _ROLES_FROM.get(request.user.role)
    if "role" in named and role is None:
        raise InvalidInput("user.role", "can't be unspecified")
    return UserChange(
        role=role if "role" in named else None,
        active=request.user.active if "active" in named else None,
        note=request.audit_note,
    )


def config_change(request: pb.SetConfigRequest) -> tuple[str, ConfigValue | None]:
    """The key of the entry to change and what it is to be; None where it is to be deleted."""
    if request.WhichOneof("change") == "delete_key":
        return request.delete_key, None
    entry = request.entry
    return entry.key, ConfigValue(entry.value, entry.description, entry.public)


def config_entry_message(entry: ConfigEntry) -> config_entry_pb2.ConfigEntry:
    """An entry of the configuration table as the contract has it."""
    return config_entry_pb2.ConfigEntry(
        key=entry.key,
        value=entry.value,
        description=entry.description,
        public=entry.public,
        update_time=timestamp(entry.updated_at),
        updated_by=entry.updated_by or "",
    )


def download_header(download: Download, offset: int) -> pb.DownloadHeader:
    """What is told before the bytes of an archive."""
    archive = download.archive
    return pb.DownloadHeader(
        job_id=archive.job_id,
        file_name=archive.file_name,
        content_type=CONTENT_TYPE,
        size_bytes=archive.size_bytes,
        sha256=archive.sha256.hex(),
        offset=offset,
        expire_time=timestamp(download.expires_at),
    )
