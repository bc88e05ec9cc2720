"""Tokens and passwords that should not open anything, on the server as it is put together, over a real port."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import math
from collections.abc import AsyncIterator, Awaitable
from typing import Any

import bcrypt
import grpc
import jwt
import psycopg
import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from kaiwa.accounts.v1 import accounts_service_pb2 as pb
from kaiwa.accounts.v1 import accounts_service_pb2_grpc as rpc
from server.accounts.create_account import NewAccount
from server.accounts.domain.password import Password
from server.adapters.clock import UuidV7Source
from server.adapters.postgres.engine import libpq_url
from server.adapters.tokens import load_keys
from server.adapters.tokens.keys import SigningKey, add_key
from server.errors import Reason
from server.kernel.identity import Role
from tests.support.assembled import PASSWORD, Assembled, address, assembled, bearing
from tests.support.postgres import Databases
from tests.support.rpc import Failure, failure_of

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def database_url(databases: Databases) -> AsyncIterator[str]:
    with databases.fresh(databases.migrated) as url:
        yield url


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def served(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Assembled]:
    home = tmp_path_factory.mktemp("home")
    async with assembled(database_url, home, ("accounts",), [Role.STUDENT]) as running:
        yield running


@pytest.fixture
def stub(served: Assembled) -> rpc.AccountsServiceAsyncStub:
    return rpc.AccountsServiceStub(served.channel)


async def failure(work: Awaitable[object]) -> Failure:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await work
    return failure_of(refused.value)


async def refused(stub: rpc.AccountsServiceAsyncStub, token: str) -> None:
    answer = await failure(stub.GetMe(pb.GetMeRequest(), metadata=bearing(token)))
    assert (answer.code, answer.reason) == (grpc.StatusCode.UNAUTHENTICATED, Reason.TOKEN_INVALID)


def part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


class Forger:
    """Makes tokens that look like a good one, with or without the server's own key."""

    def __init__(self, served: Assembled) -> None:
        self.key: SigningKey = load_keys(served.settings.keys).signer
        self.body: dict[str, Any] = jwt.decode(served.tokens[Role.STUDENT], options={"verify_signature": False})
        self.header = {"alg": "EdDSA", "kid": self.key.id, "typ": "at+jwt"}

    def signed(self, key: Ed25519PrivateKey | None = None, kid: str | None = None, **claims: object) -> str:
        headers = {**self.header, "kid": kid or self.key.id}
        return jwt.encode({**self.body, **claims}, key or self.key.private, algorithm="EdDSA", headers=headers)

    def unsigned(self, algorithm: str, signature: str = "") -> str:
        return f"{part({**self.header, 'alg': algorithm})}.{part(self.body)}.{signature}"

    def with_the_public_key_as_a_secret(self) -> str:
        text = f"{part({**self.header, 'alg': 'HS256'})}.{part(self.body)}"
        public = self.key.public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        mac = hmac.new(public, text.encode(), hashlib.sha256).digest()
        return f"{text}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"


async def test_only_a_genuine_token_opens(served: Assembled, stub: rpc.AccountsServiceAsyncStub) -> None:
    forger = Forger(served)
    # What the others differ from by one thing each.
    assert (await stub.GetMe(pb.GetMeRequest(), metadata=bearing(forger.signed()))).user.username == "the-student"
    other = Ed25519PrivateKey.generate()
    wrong = {
        "forged": forger.signed(other),
        "of an unknown key": forger.signed(other, kid="0198c0de-0000-7000-8000-000000000001"),
        "unsigned": forger.unsigned("none"),
        "unsigned, shouting": forger.unsigned("NONE"),
        "unsigned, with a signature": forger.unsigned("none", forger.signed().rpartition(".")[2]),
        "of another algorithm": forger.with_the_public_key_as_a_secret(),
        "for another audience": forger.signed(aud="another app"),
        "for no audience": forger.signed(aud=None),
        "of another issuer": forger.signed(iss="https://elsewhere.example"),
        "of another's session": forger.signed(sub="not an id"),
    }
    for what, token in wrong.items():
        try:
            await refused(stub, token)
        except BaseException as error:
            error.add_note(f"a token that is {what}")
            raise


async def test_an_expired_token(served: Assembled, stub: rpc.AccountsServiceAsyncStub) -> None:
    token = Forger(served).signed(exp=981_173_106)
    answer = await failure(stub.GetMe(pb.GetMeRequest(), metadata=bearing(token)))
    assert (answer.code, answer.reason) == (grpc.StatusCode.UNAUTHENTICATED, Reason.TOKEN_EXPIRED)
    assert answer.metadata == {"expired_at": "2001-02-03T04:05:06Z"}


async def test_a_session_of_another_user(served: Assembled, stub: rpc.AccountsServiceAsyncStub) -> None:
    other = Forger(served).signed(sub="0198c0de-0000-7000-8000-0000000000cc")
    answer = await failure(stub.GetMe(pb.GetMeRequest(), metadata=bearing(other)))
    assert (answer.code, answer.reason) == (grpc.StatusCode.UNAUTHENTICATED, Reason.SESSION_REVOKED)


async def test_tokens_of_a_key_that_was_rotated_out(served: Assembled, stub: rpc.AccountsServiceAsyncStub) -> None:
    old = load_keys(served.settings.keys).signer
    token = Forger(served).signed()
    add_key(served.settings.keys, UuidV7Source())
    me = pb.GetMeRequest()
    # Both keys count, until the old one is taken away.
    await stub.GetMe(me, metadata=bearing(token))
    (served.settings.keys / f"{old.id}.pem").unlink()

    async with asyncio.timeout(10):
        while True:
            try:
                await stub.GetMe(me, metadata=bearing(token))
            except grpc.aio.AioRpcError:
                break
    await refused(stub, token)
    await served.sign_in(Role.STUDENT)
    await stub.GetMe(me, metadata=served.signed_in(Role.STUDENT))


async def test_a_refresh_token_that_was_rotated_out_ends_its_session(
    served: Assembled, stub: rpc.AccountsServiceAsyncStub
) -> None:
    first = (await stub.Login(pb.LoginRequest(login=address(Role.STUDENT), password=PASSWORD))).tokens
    second = (await stub.RefreshTokens(pb.RefreshTokensRequest(refresh_token=first.refresh_token))).tokens

    reused = await failure(stub.RefreshTokens(pb.RefreshTokensRequest(refresh_token=first.refresh_token)))
    after = await failure(stub.RefreshTokens(pb.RefreshTokensRequest(refresh_token=second.refresh_token)))
    dead = await failure(stub.GetMe(pb.GetMeRequest(), metadata=bearing(second.access_token)))

    reasons = [reused.reason, after.reason, dead.reason]
    assert reasons == [Reason.REFRESH_TOKEN_REUSED, Reason.REFRESH_TOKEN_INVALID, Reason.SESSION_REVOKED]


@pytest.mark.parametrize("prefix", ["2a", "2b", "2y"])
async def test_a_bcrypt_hash_from_elsewhere_signs_in_and_is_rehashed(
    served: Assembled, stub: rpc.AccountsServiceAsyncStub, database_url: str, prefix: str
) -> None:
    email = f"{prefix}@example.com"
    await served.assembly.create_account(NewAccount(email, f"from-{prefix}", Password(PASSWORD), Role.STUDENT))
    foreign = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode().replace("$2b$", f"${prefix}$")
    with psycopg.connect(libpq_url(database_url), autocommit=True) as connection:
        connection.execute("UPDATE users SET password_hash = %s WHERE email = %s", [foreign, email])

        wrong = await failure(stub.Login(pb.LoginRequest(login=email, password="wrong horse")))
        kept = connection.execute("SELECT password_hash FROM users WHERE email = %s", [email]).fetchone()
        begun = await stub.Login(pb.LoginRequest(login=email, password=PASSWORD))
        now = connection.execute("SELECT password_hash FROM users WHERE email = %s", [email]).fetchone()

    assert wrong.reason == Reason.INVALID_CREDENTIALS
    assert kept == (foreign,)
    assert begun.user.email == email
    assert now is not None
    assert now[0].startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert (await stub.Login(pb.LoginRequest(login=email, password=PASSWORD))).user.email == email


async def test_too_many_guesses_are_told_the_same_whether_there_is_an_account_or_not(
    served: Assembled, stub: rpc.AccountsServiceAsyncStub
) -> None:
    known, unknown = "guessed@example.com", "nobody@example.com"
    await served.assembly.create_account(NewAccount(known, "guessed", Password(PASSWORD), Role.STUDENT))

    async def guesses(login: str) -> list[tuple[str, str, str, str, float]]:
        request = pb.LoginRequest(login=login, password="wrong horse")
        answers = await asyncio.gather(*(failure(stub.Login(request)) for _ in range(14)))
        return sorted(
            (str(each.code), each.reason, each.message, str(each.metadata), each.retry_seconds or 0) for each in answers
        )

    told = await guesses(known)
    codes = [(grpc.StatusCode.RESOURCE_EXHAUSTED, Reason.RATE_LIMITED)] * 4
    codes += [(grpc.StatusCode.UNAUTHENTICATED, Reason.INVALID_CREDENTIALS)] * 10
    assert sorted((code, reason) for code, reason, *_ in told) == sorted((str(code), reason) for code, reason in codes)
    # The pause has just begun; it is told as what is left of it.
    assert {math.ceil(seconds) for *_, seconds in told} == {0, 1}
    assert [answer[:-1] for answer in told] == [answer[:-1] for answer in await guesses(unknown)]


async def test_too_many_mails_are_told_the_same_whether_there_is_an_account_or_not(
    served: Assembled, stub: rpc.AccountsServiceAsyncStub
) -> None:
    told = []
    for email in ("flooded@example.com", "no-mailbox@example.com"):
        if email.startswith("flooded"):
            await served.assembly.create_account(NewAccount(email, "flooded", Password(PASSWORD), Role.STUDENT))
        request = pb.RequestPasswordResetRequest(email=email)
        for _ in range(5):
            await stub.RequestPasswordReset(request)
        limited = await failure(stub.RequestPasswordReset(request))
        assert limited.retry_seconds is not None
        assert 50 < limited.retry_seconds <= 60
        told.append((limited.code, limited.reason, limited.message, limited.metadata))

    assert told[0] == told[1]
    assert told[0][1] == Reason.RATE_LIMITED
