"""AccountsService over a real port, on fakes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass, replace
from datetime import UTC

import grpc
import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from kaiwa.accounts.v1 import accounts_service_pb2 as pb
from kaiwa.accounts.v1 import accounts_service_pb2_grpc as rpc
from kaiwa.accounts.v1 import config_entry_pb2, user_pb2
from server.accounts.servicer import AccountsServicer
from server.errors import Reason
from server.kernel.identity import Role
from server.rpc.server import Service
from server.rpc.wire import PageTokens
from tests.support.accounts import ACCESS_LIFE, REFRESH_LIFE, Accounts, make_user
from tests.support.kernel import NOON
from tests.support.rpc import Failure, failure_of, serving

SERVICE = "kaiwa.accounts.v1.AccountsService"
REQUEST = "7D0C7B5E-0000-4000-8000-000000000001"


@dataclass(frozen=True, slots=True)
class Client:
    stub: rpc.AccountsServiceAsyncStub
    accounts: Accounts


@pytest.fixture
async def client(accounts: Accounts) -> AsyncIterator[Client]:
    service = Service(
        SERVICE, rpc.add_AccountsServiceServicer_to_server, AccountsServicer(accounts.use_cases, PageTokens(b"s" * 32))
    )
    async with serving([service], authenticate=accounts.authenticate) as served:
        yield Client(rpc.AccountsServiceStub(served.channel), accounts)


def register_request(**given: object) -> pb.RegisterRequest:
    request = pb.RegisterRequest(
        email="Mika@example.com", username="mika", password="correct horse", device_name="Mika's phone"
    )
    for name, value in given.items():
        setattr(request, name, value)
    return request


def bearer(tokens: pb.RegisterResponse | pb.LoginResponse) -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer {tokens.tokens.access_token}"),)


async def failure(call: Awaitable[object]) -> Failure:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return failure_of(caught.value)


async def test_register_fills_in_the_contracts_defaults(client: Client) -> None:
    made = await client.stub.Register(register_request())

    user = made.user
    assert (user.email, user.username, user.role) == ("Mika@example.com", "mika", user_pb2.ROLE_STUDENT)
    assert (user.native_language, user.target_language, user.level) == ("en", "ja", 1)
    assert (user.time_zone, user.day_turn_hour, user.voice_retention_days) == ("UTC", 4, 0)
    assert (user.active, user.verified) == (True, False)
    assert user.create_time.ToDatetime(UTC) == user.update_time.ToDatetime(UTC) == NOON
    assert made.tokens.token_type == "Bearer"
    assert made.tokens.access_token_expire_time.ToDatetime(UTC) == NOON + ACCESS_LIFE
    assert made.tokens.refresh_token_expire_time.ToDatetime(UTC) == NOON + REFRESH_LIFE
    (session,) = client.accounts.state.sessions.values()
    assert (session.id, session.device_name) == (made.tokens.session_id, "Mika's phone")
    assert session.user_agent.startswith("grpc-python-asyncio/")


async def test_register_takes_what_is_given(client: Client) -> None:
    given = {
        "native_language": "pt-BR",
        "target_language": "ja",
        "level": 10,
        "time_zone": "Asia/Tokyo",
        "day_turn_hour": 0,
    }
    user = (await client.stub.Register(register_request(**given))).user

    assert {name: getattr(user, name) for name in given} == given


async def test_a_retried_registration_is_answered_again_but_not_another_one(client: Client) -> None:
    first = await client.stub.Register(register_request(request_id=REQUEST))
    again = await client.stub.Register(register_request(request_id=REQUEST.lower()))
    other = await failure(client.stub.Register(register_request(request_id=REQUEST, level=5)))

    assert again.user == first.user
    assert again.tokens.session_id != first.tokens.session_id
    assert (other.code, other.reason) == (grpc.StatusCode.ALREADY_EXISTS, Reason.REQUEST_ID_REUSED)


async def test_what_tells_a_retry_does_not_tell_the_password(client: Client) -> None:
    await client.stub.Register(register_request(request_id=REQUEST))
    wrong = await failure(client.stub.Register(register_request(request_id=REQUEST, password="wrong horse")))

    # The digest that is stored is the same for both passwords.
    assert (wrong.code, wrong.reason) == (grpc.StatusCode.ALREADY_EXISTS, Reason.EMAIL_TAKEN)
    assert wrong.metadata == {"field": "email"}


async def test_a_whole_session(client: Client) -> None:
    client.accounts.add_user(make_user())
    begun = await client.stub.Login(pb.LoginRequest(login="Mika", password="correct horse"))
    me = await client.stub.GetMe(pb.GetMeRequest(), metadata=bearer(begun))
    renewed = await client.stub.RefreshTokens(
        pb.RefreshTokensRequest(refresh_token=begun.tokens.refresh_token, request_id=REQUEST)
    )
    await client.stub.RefreshTokens(
        pb.RefreshTokensRequest(refresh_token=begun.tokens.refresh_token, request_id=REQUEST.lower())
    )
    await client.stub.Logout(pb.LogoutRequest(), metadata=bearer(begun))
    after = await failure(client.stub.GetMe(pb.GetMeRequest(), metadata=bearer(begun)))

    assert me.user == begun.user
    assert renewed.tokens.session_id == begun.tokens.session_id
    assert (after.code, after.reason) == (grpc.StatusCode.UNAUTHENTICATED, Reason.SESSION_REVOKED)


async def test_sign_in_answers_alike_for_unknown_and_known_names(client: Client) -> None:
    client.accounts.add_user(make_user())

    refusals = [
        await failure(client.stub.Login(pb.LoginRequest(login=login, password="wrong horse")))
        for login in ("mika@example.com", "mika", "nobody@example.com", "nobody", "no\0body")
    ]

    assert refusals == [refusals[0]] * 5
    assert (refusals[0].code, refusals[0].reason) == (grpc.StatusCode.UNAUTHENTICATED, Reason.INVALID_CREDENTIALS)


async def test_public_config_needs_no_token(client: Client) -> None:
    client.accounts.add_config("app.minimum_version", "1.2", public=True)

    assert dict((await client.stub.GetPublicConfig(pb.GetPublicConfigRequest())).values) == {
        "app.minimum_version": "1.2"
    }


async def signed_in_as(client: Client, role: Role) -> tuple[tuple[str, str], ...]:
    client.accounts.add_user(make_user(role=role))
    return bearer(await client.stub.Login(pb.LoginRequest(login="mika", password="correct horse")))


async def test_sessions_as_the_contract_has_them(client: Client) -> None:
    here = await signed_in_as(client, Role.STUDENT)
    there = await client.stub.Login(pb.LoginRequest(login="mika", password="correct horse", device_name="Mika's phone"))

    first = await client.stub.ListSessions(pb.ListSessionsRequest(page_size=1), metadata=here)
    rest = await client.stub.ListSessions(
        pb.ListSessionsRequest(page_size=1, page_token=first.next_page_token), metadata=here
    )
    await client.stub.RevokeSession(pb.RevokeSessionRequest(session_id=there.tokens.session_id.upper()), metadata=here)
    after = await client.stub.ListSessions(pb.ListSessionsRequest(), metadata=here)

    (newest,), (current,) = first.sessions, rest.sessions
    assert (newest.id, newest.device_name, newest.current) == (there.tokens.session_id, "Mika's phone", False)
    assert newest.create_time.ToDatetime(UTC) == newest.refresh_time.ToDatetime(UTC) == NOON
    assert newest.expire_time.ToDatetime(UTC) == NOON + REFRESH_LIFE
    assert current.current
    assert rest.next_page_token == ""
    assert list(after.sessions) == [current]


async def test_a_profile_changes_by_its_mask(client: Client) -> None:
    metadata = await signed_in_as(client, Role.STUDENT)

    changed = await client.stub.UpdateMe(
        pb.UpdateMeRequest(
            user=user_pb2.User(level=7, day_turn_hour=0, native_language="de"),
            update_mask=FieldMask(paths=["level", "day_turn_hour"]),
        ),
        metadata=metadata,
    )
    refusals = [
        await failure(
            client.stub.UpdateMe(
                pb.UpdateMeRequest(user=user_pb2.User(level=7), update_mask=FieldMask(paths=paths)), metadata=metadata
            )
        )
        for paths in ([], ["*"], ["role"], ["email"])
    ]

    assert (changed.user.level, changed.user.day_turn_hour, changed.user.native_language) == (7, 0, "en")
    assert [refused.reason for refused in refusals] == [Reason.INVALID_FIELD_MASK] * 4


async def test_passwords_and_addresses_by_mail(client: Client) -> None:
    metadata = await signed_in_as(client, Role.STUDENT)
    stub, accounts = client.stub, client.accounts

    await stub.RequestEmailVerification(
        pb.RequestEmailVerificationRequest(new_email="new@example.com", password="correct horse", request_id=REQUEST),
        metadata=metadata,
    )
    await accounts.background.finish()
    await stub.VerifyEmail(pb.VerifyEmailRequest(token=accounts.mailed_token()))
    me = (await stub.GetMe(pb.GetMeRequest(), metadata=metadata)).user
    await stub.RequestPasswordReset(pb.RequestPasswordResetRequest(email="new@example.com", request_id=REQUEST))
    await accounts.background.finish()
    await stub.ResetPassword(pb.ResetPasswordRequest(token=accounts.mailed_token(), new_password="battery staple"))
    again = await stub.Login(pb.LoginRequest(login="new@example.com", password="battery staple"))
    await stub.Login(pb.LoginRequest(login="new@example.com", password="battery staple"))
    changed = await stub.ChangePassword(
        pb.ChangePasswordRequest(current_password="battery staple", new_password="a third one"),
        metadata=bearer(again),
    )

    assert (me.email, me.verified) == ("new@example.com", True)
    assert changed.ended_sessions == 1


async def test_the_digest_of_a_repeatable_request_does_not_tell_its_password(client: Client) -> None:
    metadata = await signed_in_as(client, Role.STUDENT)
    request = pb.RequestEmailVerificationRequest(
        new_email="new@example.com", password="correct horse", request_id=REQUEST
    )
    await client.stub.RequestEmailVerification(request, metadata=metadata)
    user_id = next(iter(client.accounts.state.users))
    client.accounts.state.users[user_id] = replace(client.accounts.state.users[user_id], password_hash="new$other one")
    request.password = "other one"

    await client.stub.RequestEmailVerification(request, metadata=metadata)

    await client.accounts.background.finish()
    assert len(client.accounts.mailer.posted) == 1


async def test_administration_of_accounts(client: Client) -> None:
    metadata = await signed_in_as(client, Role.ADMIN)
    ken = client.accounts.add_user(
        make_user("0198c0de-0000-7000-9000-000000000002", email="ken@example.com", username="ken")
    )

    found = await client.stub.ListUsers(
        pb.ListUsersRequest(query="KEN@", role=user_pb2.ROLE_STUDENT, active=True, verified=False), metadata=metadata
    )
    none = await client.stub.ListUsers(pb.ListUsersRequest(active=False), metadata=metadata)
    updated = await client.stub.UpdateUser(
        pb.UpdateUserRequest(
            user=user_pb2.User(id=ken.id.upper(), role=user_pb2.ROLE_TEACHER, active=False),
            update_mask=FieldMask(paths=["role"]),
            audit_note="Teaches now",
        ),
        metadata=metadata,
    )
    refused = await failure(
        client.stub.UpdateUser(
            pb.UpdateUserRequest(user=user_pb2.User(id=ken.id), update_mask=FieldMask(paths=["role"])),
            metadata=metadata,
        )
    )

    assert [user.id for user in found.users] == [ken.id]
    assert list(none.users) == []
    assert (updated.user.role, updated.user.active) == (user_pb2.ROLE_TEACHER, True)
    assert [entry.note for entry in client.accounts.state.audit.values()] == ["Teaches now"]
    assert (refused.reason, refused.fields) == (Reason.INVALID_FIELD, ("user.role",))


async def test_administration_of_the_configuration(client: Client) -> None:
    metadata = await signed_in_as(client, Role.ADMIN)
    entry = config_entry_pb2.ConfigEntry(key="app.minimum_version", value="1.2", description="d", public=True)

    made = await client.stub.SetConfig(pb.SetConfigRequest(entry=entry, audit_note="why"), metadata=metadata)
    listed = await client.stub.ListConfig(pb.ListConfigRequest(key_prefix="app."), metadata=metadata)
    public = await client.stub.GetPublicConfig(pb.GetPublicConfigRequest())
    deleted = await client.stub.SetConfig(pb.SetConfigRequest(delete_key="app.minimum_version"), metadata=metadata)

    assert (made.entry.value, made.entry.description, made.entry.public) == ("1.2", "d", True)
    assert made.entry.update_time.ToDatetime(UTC) == NOON
    assert made.entry.updated_by == next(iter(client.accounts.state.users))
    assert list(listed.entries) == [made.entry]
    assert dict(public.values) == {"app.minimum_version": "1.2"}
    assert not deleted.HasField("entry")
