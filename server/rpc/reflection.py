"""Server reflection under both of its names, so that old and new tools work without proto files."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import cast

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool
from grpc_reflection.v1alpha import reflection_pb2
from grpc_reflection.v1alpha._async import ReflectionServicer

NAMES = ("grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection")


def add_reflection(server: grpc.aio.Server, services: Sequence[str]) -> None:
    """Serves reflection of the given services, as `grpc.reflection.v1` and `v1alpha` (the same on the wire).

    Args:
        server: not started yet.
        services: full names of what is served beside reflection itself.
    """
    _describe_v1()
    servicer = ReflectionServicer([*services, *NAMES])

    def answer(
        requests: AsyncIterator[reflection_pb2.ServerReflectionRequest], context: object
    ) -> AsyncIterator[reflection_pb2.ServerReflectionResponse]:
        # An async generator, though its stubs call it a coroutine.
        return cast(
            "AsyncIterator[reflection_pb2.ServerReflectionResponse]",
            servicer.ServerReflectionInfo(_by_file(requests), context),
        )

    for name in NAMES:
        handler = grpc.stream_stream_rpc_method_handler(
            answer,
            request_deserializer=reflection_pb2.ServerReflectionRequest.FromString,
            response_serializer=reflection_pb2.ServerReflectionResponse.SerializeToString,
        )
        server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler(name, {"ServerReflectionInfo": handler}),)
        )


async def _by_file(
    requests: AsyncIterator[reflection_pb2.ServerReflectionRequest],
) -> AsyncIterator[reflection_pb2.ServerReflectionRequest]:
    """The requests, asking for a service or message where they ask for a method or field of it.

    The library finds only what stands in a file by its own name.
    """
    async for request in requests:
        parent, _, name = request.file_containing_symbol.rpartition(".")
        if parent and _has(parent, name):
            request.file_containing_symbol = parent
        yield request


def _has(parent: str, name: str) -> bool:
    """Whether a service has a method, or a message a field, of this name."""
    pool = descriptor_pool.Default()
    try:
        return name in pool.FindServiceByName(parent).methods_by_name
    except KeyError:
        pass
    try:
        return name in pool.FindMessageTypeByName(parent).fields_by_name
    except KeyError:
        return False


def _describe_v1() -> None:
    """Makes the description of the newer name, which tools ask for as it is listed; only the older's is installed."""
    path, package = "grpc/reflection/v1/reflection.proto", "grpc.reflection.v1"
    pool = descriptor_pool.Default()
    try:
        pool.FindFileByName(path)
        return
    except KeyError:
        pass
    file = descriptor_pb2.FileDescriptorProto()
    reflection_pb2.DESCRIPTOR.CopyToProto(file)
    older, newer = f".{file.package}.", f".{package}."
    for field in (field for message in file.message_type for field in message.field if field.type_name):
        field.type_name = field.type_name.replace(older, newer)
    for method in (method for service in file.service for method in service.method):
        method.input_type = method.input_type.replace(older, newer)
        method.output_type = method.output_type.replace(older, newer)
    file.name, file.package = path, package
    pool.AddSerializedFile(file.SerializeToString())
