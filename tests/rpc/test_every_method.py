"""What holds for every method of the contract, on the server as it is put together, over a real port."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
import protovalidate
import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2

from server.adapters.tokens import JwtAccessTokens, KeyRing, SigningKey, load_keys
from server.errors import Reason
from server.kernel.identity import Role
from server.rpc.policy import POLICIES
from tests.support.assembled import CONTRACT, METHODS, Assembled, assembled, bearing, call, empty_request, implemented
from tests.support.postgres import Databases
from tests.support.rpc import Failure, failure_of

pytestmark = pytest.mark.asyncio(loop_scope="module")

HEALTH = "grpc.health.v1.Health"
REFLECTION = ("grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection")
REFUSED_AT_THE_DOOR = {
    Reason.TOKEN_MISSING,
    Reason.TOKEN_INVALID,
    Reason.TOKEN_EXPIRED,
    Reason.SESSION_REVOKED,
    Reason.ROLE_REQUIRED,
}
NEEDS_MORE_THAN_FIELDS = {"/kaiwa.learning.v1.LearningService/OptimizeScheduler": Reason.TOO_FEW_REVIEWS}
"""Methods whose empty request is well formed, and fails all the same for who has just signed up."""
CLOSED = [path for path in METHODS if POLICIES[path].role is not None]
PUBLIC = [path for path in METHODS if POLICIES[path].role is None]


def methods(paths: Sequence[str]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("path", paths, ids=[path.rpartition(".")[2] for path in paths])


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def served(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Assembled]:
    with databases.fresh(databases.migrated) as url:
        async with assembled(url, tmp_path_factory.mktemp("home")) as running:
            yield running


async def outcome(served: Assembled, path: str, metadata: Sequence[tuple[str, str]]) -> Failure | None:
    """How an empty request fails; None when it does not."""
    try:
        await call(served.channel, path, metadata=metadata)
    except grpc.aio.AioRpcError as error:
        return failure_of(error)
    return None


async def refusal(served: Assembled, path: str, metadata: Sequence[tuple[str, str]]) -> Failure:
    failure = await outcome(served, path, metadata)
    assert failure is not None
    return failure


async def test_there_is_a_contract() -> None:
    assert len(METHODS) >= 85
    assert {(m.client_streaming, m.server_streaming) for m in METHODS.values()} == {
        (False, False),
        (False, True),
        (True, False),
        (True, True),
    }


@methods(CLOSED)
async def test_without_a_token_nobody_gets_in(served: Assembled, path: str) -> None:
    failure = await refusal(served, path, ())
    assert (failure.code, failure.reason) == (grpc.StatusCode.UNAUTHENTICATED, Reason.TOKEN_MISSING)


@methods(PUBLIC)
async def test_a_public_method_asks_for_no_token(served: Assembled, path: str) -> None:
    failure = await outcome(served, path, ())
    assert failure is None or failure.reason not in REFUSED_AT_THE_DOOR
    assert failure is None or failure.code in {grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.UNIMPLEMENTED}


@methods(CLOSED)
async def test_an_expired_token(served: Assembled, path: str) -> None:
    issuer = tokens(load_keys(served.settings.keys))
    claims = issuer.verify(served.tokens[Role.ADMIN])
    past = replace(claims, expires_at=datetime(2001, 2, 3, 4, 5, 6, tzinfo=UTC))
    failure = await refusal(served, path, bearing(issuer.issue(past, datetime(2001, 2, 3, 4, tzinfo=UTC))))
    assert (failure.code, failure.reason) == (grpc.StatusCode.UNAUTHENTICATED, Reason.TOKEN_EXPIRED)
    assert failure.metadata == {"expired_at": "2001-02-03T04:05:06Z"}


@methods(CLOSED)
async def test_a_forged_token(served: Assembled, path: str) -> None:
    keys = load_keys(served.settings.keys)
    claims = tokens(keys).verify(served.tokens[Role.ADMIN])
    forger = tokens(KeyRing((SigningKey(keys.signer.id, Ed25519PrivateKey.generate()),)))
    failure = await refusal(served, path, bearing(forger.issue(claims, claims.expires_at - timedelta(minutes=15))))
    assert (failure.code, failure.reason) == (grpc.StatusCode.UNAUTHENTICATED, Reason.TOKEN_INVALID)


def tokens(keys: KeyRing) -> JwtAccessTokens:
    return JwtAccessTokens(keys, issuer="kaiwa", audience="kaiwa")


@pytest.mark.parametrize("role", Role)
@methods(CLOSED)
async def test_a_role_opens_its_methods_and_no_other(served: Assembled, path: str, role: Role) -> None:
    needed = POLICIES[path].role
    assert needed is not None
    failure = await outcome(served, path, served.signed_in(role))
    if role.includes(needed):
        assert failure is None or failure.reason not in REFUSED_AT_THE_DOOR
        if path.endswith("/Logout"):
            await served.sign_in(role)
    else:
        assert failure is not None
        assert (failure.code, failure.reason) == (grpc.StatusCode.PERMISSION_DENIED, Reason.ROLE_REQUIRED)
        assert failure.metadata == {"required_role": needed.value}


async def test_some_methods_are_not_for_students() -> None:
    assert {path.rpartition("/")[2] for path in CLOSED if not Role.STUDENT.includes(POLICIES[path].role or Role.ADMIN)}


@methods([path for path in METHODS if not implemented(path)])
async def test_what_comes_later_says_so_whatever_it_is_asked(served: Assembled, path: str) -> None:
    for request in (b"", b"\xff\xff\xff"):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call(served.channel, path, request, served.signed_in(Role.ADMIN))
        failure = failure_of(caught.value)
        assert (failure.code, failure.reason) == (grpc.StatusCode.UNIMPLEMENTED, Reason.NOT_YET_AVAILABLE)
        assert failure.metadata == {"method": path}


@methods([path for path in METHODS if implemented(path)])
async def test_an_empty_request_is_answered_or_told_its_fields(served: Assembled, path: str) -> None:
    broken = [field_of(violation) for violation in protovalidate.collect_violations(empty_request(path))]
    await served.sign_in(Role.ADMIN)
    failure = await outcome(served, path, served.signed_in(Role.ADMIN))
    if broken:
        assert failure is not None
        assert (failure.code, failure.reason) == (grpc.StatusCode.INVALID_ARGUMENT, Reason.INVALID_FIELD)
        assert sorted(failure.fields) == sorted(broken)
        assert failure.metadata == {"field": failure.fields[0]}
    elif reason := NEEDS_MORE_THAN_FIELDS.get(path):
        assert failure is not None
        assert (failure.code, failure.reason) == (grpc.StatusCode.FAILED_PRECONDITION, reason)
    else:
        assert failure is None or failure.code is grpc.StatusCode.INVALID_ARGUMENT


@methods([path for path in METHODS if implemented(path)])
async def test_bytes_that_are_no_message(served: Assembled, path: str) -> None:
    await served.sign_in(Role.ADMIN)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call(served.channel, path, b"\xff\xff\xff", served.signed_in(Role.ADMIN))
    failure = failure_of(caught.value)
    assert (failure.code, failure.reason) == (grpc.StatusCode.INVALID_ARGUMENT, Reason.UNDECODABLE_REQUEST)
    assert failure.metadata == {"message": METHODS[path].input_type.full_name}


def field_of(violation: protovalidate.Violation) -> str:
    path = violation.proto.field
    return ".".join(element.field_name for element in path.elements) if path else ""


async def test_health_of_every_service(served: Assembled) -> None:
    for name in ("", *(service.full_name for service in CONTRACT)):
        assert await healthy(served.channel, name), name


async def test_health_of_what_is_not_there(served: Assembled) -> None:
    assert not await healthy(served.channel, "kaiwa.NoService")
    assert served.measured(f"/{HEALTH}/Check", "NOT_FOUND") == 1


async def healthy(channel: grpc.aio.Channel, service: str) -> bool:
    """Whether a service is served and well."""
    check = channel.unary_unary(
        f"/{HEALTH}/Check",
        health_pb2.HealthCheckRequest.SerializeToString,
        health_pb2.HealthCheckResponse.FromString,
    )
    try:
        response = await check(health_pb2.HealthCheckRequest(service=service), timeout=20)
    except grpc.aio.AioRpcError as error:
        if error.code() is not grpc.StatusCode.NOT_FOUND:
            raise
        return False
    return response.status == health_pb2.HealthCheckResponse.SERVING


async def reflect(
    channel: grpc.aio.Channel, name: str, request: reflection_pb2.ServerReflectionRequest
) -> reflection_pb2.ServerReflectionResponse:
    made = channel.stream_stream(
        f"/{name}/ServerReflectionInfo",
        reflection_pb2.ServerReflectionRequest.SerializeToString,
        reflection_pb2.ServerReflectionResponse.FromString,
    )(iter([request]), timeout=20)
    answers = [answer async for answer in made]
    assert len(answers) == 1
    return answers[0]


async def listed(channel: grpc.aio.Channel, name: str) -> set[str]:
    answer = await reflect(channel, name, reflection_pb2.ServerReflectionRequest(list_services=""))
    names = [service.name for service in answer.list_services_response.service]
    assert len(names) == len(set(names))
    return set(names)


@pytest.mark.parametrize("name", REFLECTION)
async def test_reflection_lists_what_is_served(served: Assembled, name: str) -> None:
    assert await listed(served.channel, name) == {service.full_name for service in CONTRACT} | {HEALTH, *REFLECTION}


@pytest.mark.parametrize("name", REFLECTION)
@pytest.mark.parametrize("service", [service.full_name for service in CONTRACT])
async def test_reflection_describes_every_service(served: Assembled, name: str, service: str) -> None:
    answer = await reflect(served.channel, name, reflection_pb2.ServerReflectionRequest(file_containing_symbol=service))
    files = [FileDescriptorProto.FromString(raw) for raw in answer.file_descriptor_response.file_descriptor_proto]
    found = {f"{file.package}.{each.name}" for file in files for each in file.service}
    assert service in found


async def test_nothing_but_what_has_terms_is_served(served: Assembled) -> None:
    """The policies are of the methods of the contract, of health and of reflection, and all have a deadline."""
    health = health_pb2.DESCRIPTOR.services_by_name["Health"].methods
    library = {f"/{HEALTH}/{method.name}" for method in health} | {f"/{n}/ServerReflectionInfo" for n in REFLECTION}
    assert set(POLICIES) == set(METHODS) | library
    assert all(policy.deadline > timedelta(0) for policy in POLICIES.values())


async def test_a_server_of_some_services_answers_those_only(databases: Databases, tmp_path: Path) -> None:
    wanted = {"kaiwa.accounts.v1.AccountsService", "kaiwa.jobs.v1.JobsService"}
    with databases.fresh(databases.migrated) as url:
        async with assembled(url, tmp_path, ("accounts", "jobs"), [Role.ADMIN]) as served:
            assert await listed(served.channel, REFLECTION[0]) == wanted | {HEALTH, *REFLECTION}
            assert {each.full_name for each in CONTRACT if await healthy(served.channel, each.full_name)} == wanted
            for path, method in METHODS.items():
                failure = await outcome(served, path, served.signed_in(Role.ADMIN))
                unknown = failure is not None and failure.reason == Reason.UNKNOWN_METHOD
                assert unknown is (method.containing_service.full_name not in wanted), path
            assert served.assembly.practices is None
