"""The server as `server.app` puts it together, over a real port and a real database; only what hears is fake."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import grpc
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from prometheus_client import CollectorRegistry

from kaiwa.accounts.v1 import accounts_service_pb2
from kaiwa.accounts.v1 import accounts_service_pb2_grpc as accounts_rpc
from kaiwa.content.v1 import content_service_pb2
from kaiwa.jobs.v1 import jobs_service_pb2
from kaiwa.learning.v1 import learning_service_pb2
from kaiwa.speech.v1 import speech_service_pb2
from server.accounts.create_account import NewAccount
from server.accounts.domain.password import Password
from server.accounts.servicer import AccountsServicer
from server.adapters.engine_threads import Meter
from server.app import Assembly, assemble
from server.assembly.speech import Engines, Judging
from server.config import SERVICES, Rates, Settings
from server.content.servicer import ContentServicer
from server.jobs.servicer import JobsServicer
from server.kernel.identity import Role
from server.learning.servicer import LearningServicer
from server.speech.servicer import SpeechServicer
from tests.support.kana_grading import KanaAssessor
from tests.support.speech import HummedPitch, InlineComputation, LoudnessDetector, PacedFollower, ScriptedRecogniser

PASSWORD = "a long enough pass phrase"

CONTRACT: Sequence[ServiceDescriptor] = [
    accounts_service_pb2.DESCRIPTOR.services_by_name["AccountsService"],
    content_service_pb2.DESCRIPTOR.services_by_name["ContentService"],
    learning_service_pb2.DESCRIPTOR.services_by_name["LearningService"],
    speech_service_pb2.DESCRIPTOR.services_by_name["SpeechService"],
    jobs_service_pb2.DESCRIPTOR.services_by_name["JobsService"],
]
METHODS: Mapping[str, MethodDescriptor] = {
    f"/{service.full_name}/{method.name}": method for service in CONTRACT for method in service.methods
}
"""Every method of the contract by its path."""

_SERVICERS = {
    "AccountsService": AccountsServicer,
    "ContentService": ContentServicer,
    "JobsService": JobsServicer,
    "LearningService": LearningServicer,
    "SpeechService": SpeechServicer,
}


def implemented(path: str) -> bool:
    """Whether a servicer answers this method."""
    method = METHODS[path]
    return method.name in vars(_SERVICERS.get(method.containing_service.name, object))


@dataclass(slots=True)
class Assembled:
    """A server put together by `server.app` that answers.

    Attributes:
        channel: connected to it.
        tokens: an access token of each role.
        recogniser: what it hears with.
        registry: its measurements.
        listening: where it is, as `host:port`.
    """

    assembly: Assembly
    settings: Settings
    channel: grpc.aio.Channel
    recogniser: ScriptedRecogniser
    registry: CollectorRegistry
    tokens: dict[Role, str] = field(default_factory=dict)
    listening: str = ""

    async def sign_in(self, role: Role) -> None:
        """Begins a new session of the user who has this role."""
        response = await accounts_rpc.AccountsServiceStub(self.channel).Login(
            accounts_service_pb2.LoginRequest(login=address(role), password=PASSWORD)
        )
        self.tokens[role] = response.tokens.access_token

    def signed_in(self, role: Role) -> tuple[tuple[str, str], ...]:
        """Metadata of a caller of this role."""
        return bearing(self.tokens[role])

    def measured(self, method: str, code: str) -> float:
        """How many calls of a method have ended with a code."""
        return self.registry.get_sample_value("kaiwa_calls_total", {"method": method, "code": code}) or 0.0


def address(role: Role) -> str:
    """The e-mail address of the user who has this role."""
    return f"{role.value}@example.com"


def bearing(token: str) -> tuple[tuple[str, str], ...]:
    """Metadata with this access token."""
    return (("authorization", f"Bearer {token}"),)


@asynccontextmanager
async def assembled(
    database_url: str, home: Path, services: tuple[str, ...] = SERVICES, roles: Sequence[Role] = tuple(Role)
) -> AsyncIterator[Assembled]:
    """Puts the server together and serves on a free port until the block ends.

    Args:
        database_url: a migrated database.
        home: an empty folder.
        services: short names of the services that are served.
        roles: who is signed in; needs `accounts` to be served.
    """
    settings = Settings(
        home=home,
        keys=home / "keys",
        metrics_listen=None,
        services=services,
        rates=Rates(sign_in=10_000, normal=10_000, costly=10_000, audio=10_000),
    )
    recogniser, registry = ScriptedRecogniser(), CollectorRegistry()

    def load_engines(settings: Settings, meter: Meter) -> Engines:
        judging = Judging(KanaAssessor(), PacedFollower(), HummedPitch(), InlineComputation())
        return Engines(recogniser, LoudnessDetector(), judging, lambda: None)

    async with assemble(settings, database_url, load_engines=load_engines, registry=registry) as assembly:
        port = assembly.server.listen("127.0.0.1:0")
        await assembly.server.start()
        try:
            async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
                served = Assembled(assembly, settings, channel, recogniser, registry, listening=f"127.0.0.1:{port}")
                for role in roles:
                    account = NewAccount(address(role), f"the-{role.value}", Password(PASSWORD), role)
                    await assembly.create_account(account)
                    await served.sign_in(role)
                yield served
        finally:
            await assembly.server.stop(timedelta(0))


async def call(
    channel: grpc.aio.Channel,
    path: str,
    request: Message | bytes | None = None,
    metadata: Sequence[tuple[str, str]] = (),
) -> list[Message]:
    """Calls any method with one message, an empty one unless told otherwise, and gives its answers.

    Raises:
        grpc.aio.AioRpcError: it failed.
    """
    method = METHODS[path]
    answer = GetMessageClass(method.output_type).FromString
    raw = request if isinstance(request, bytes) else (request or empty_request(path)).SerializeToString()

    async def one() -> AsyncIterator[bytes]:
        yield raw

    match method.client_streaming, method.server_streaming:
        case False, False:
            return [await channel.unary_unary(path, bytes, answer)(raw, metadata=metadata, timeout=20)]
        case False, True:
            return [
                each async for each in channel.unary_stream(path, bytes, answer)(raw, metadata=metadata, timeout=20)
            ]
        case True, False:
            return [await channel.stream_unary(path, bytes, answer)(one(), metadata=metadata, timeout=20)]
    return [each async for each in channel.stream_stream(path, bytes, answer)(one(), metadata=metadata, timeout=20)]


def empty_request(path: str) -> Message:
    """A request with nothing in it."""
    return GetMessageClass(METHODS[path].input_type)()
