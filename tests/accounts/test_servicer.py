"""AccountsService over a real port, on fakes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass
from datetime import UTC

import grpc
import pytest

from kaiwa.accounts.v1 import accounts_service_pb2 as pb
from kaiwa.accounts.v1 import accounts_service_pb2_grpc as rpc
from kaiwa.accounts.v1 import user_pb2
from server.accounts.servicer import AccountsServicer
from server.errors import Reason
from server.rpc.server import Service
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
    service = Service(SERVICE, rpc.add_AccountsServiceServicer_to_server, AccountsServicer(accounts.use_cases))
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
    client.accounts.state.config["app.minimum_version"] = ("1.2", True)

    assert dict((await client.stub.GetPublicConfig(pb.GetPublicConfigRequest())).values) == {
        "app.minimum_version": "1.2"
    }


async def test_what_comes_later_says_so(client: Client) -> None:
    made = await client.stub.Register(register_request())

    later = await failure(client.stub.ListSessions(pb.ListSessionsRequest(), metadata=bearer(made)))

    assert (later.code, later.reason) == (grpc.StatusCode.UNIMPLEMENTED, Reason.NOT_YET_AVAILABLE)
