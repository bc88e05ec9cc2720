"""Every reason that the server gives is one that a test has seen, and reaches a client as the contract says."""

from __future__ import annotations

import ast
import base64
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

import grpc
import pytest
from google.protobuf.message import Message
from google.rpc import error_details_pb2
from google.rpc.status_pb2 import Status

from server import errors
from server.errors import ApplicationError, FieldViolation, InvalidInput, Reason
from server.rpc.status import STATUS_OF, to_status

Detail = TypeVar("Detail", bound=Message)

ROOT = Path(__file__).parents[2]
PREFIX = "ERROR_REASON_"
NAMED_AFTER = {
    "InvalidInput": grpc.StatusCode.INVALID_ARGUMENT,
    "NotFound": grpc.StatusCode.NOT_FOUND,
    "AlreadyExists": grpc.StatusCode.ALREADY_EXISTS,
    "FailedPrecondition": grpc.StatusCode.FAILED_PRECONDITION,
    "OutOfRange": grpc.StatusCode.OUT_OF_RANGE,
    "Unauthenticated": grpc.StatusCode.UNAUTHENTICATED,
    "PermissionDenied": grpc.StatusCode.PERMISSION_DENIED,
    "ResourceExhausted": grpc.StatusCode.RESOURCE_EXHAUSTED,
    "Unavailable": grpc.StatusCode.UNAVAILABLE,
    "Aborted": grpc.StatusCode.ABORTED,
    "Unimplemented": grpc.StatusCode.UNIMPLEMENTED,
    "DeadlineExceeded": grpc.StatusCode.DEADLINE_EXCEEDED,
}
# Where the reasons are defined, which is no use of them.
DEFINED = {ROOT / "server/errors.py", ROOT / "server/rpc/status.py"}


def named_in(path: Path) -> Iterator[Reason]:
    """The reasons that a module names: as `Reason.X`, as the contract's constant, or by their full name."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        name = ""
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "Reason":
            name = node.attr
        elif isinstance(node, ast.Attribute) and node.attr.startswith(PREFIX):
            name = node.attr.removeprefix(PREFIX)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            name = node.value.removeprefix(PREFIX) if node.value.startswith(PREFIX) else ""
        if name in Reason.__members__:
            yield Reason[name]


def used() -> dict[Reason, set[str]]:
    """Each reason that the server's code gives, with the modules that do."""
    found: dict[Reason, set[str]] = {}
    for path in sorted((ROOT / "server").rglob("*.py")):
        if path not in DEFINED:
            for reason in named_in(path):
                found.setdefault(reason, set()).add(path.relative_to(ROOT).as_posix())
    return found


def seen() -> set[Reason]:
    """Each reason that a test of the server names. The client's tests talk to a server that makes reasons up."""
    tests = [path for path in (ROOT / "tests").rglob("test_*.py") if ROOT / "tests/clients" not in path.parents]
    return {reason for path in tests if path != Path(__file__) for reason in named_in(path)}


def test_there_is_something_to_check() -> None:
    assert len(used()) > 60


def test_every_reason_that_is_given_is_provoked_in_a_test() -> None:
    known = seen()
    assert {reason.name: modules for reason, modules in used().items() if reason not in known} == {}


def test_an_error_is_called_what_its_status_is() -> None:
    """`NotFound(Reason.X, ...)` is written only where X is NOT_FOUND; the other classes likewise."""
    kinds = {name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, Exception)}
    assert kinds == {"ApplicationError", *NAMED_AFTER}
    wrong = []
    for path in sorted((ROOT / "server").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in NAMED_AFTER):
                continue
            given = [node.args[0], *(each.value for each in node.keywords if each.arg == "reason")]
            for argument in given:
                name = argument.attr if isinstance(argument, ast.Attribute) else ""
                if name in Reason.__members__ and STATUS_OF[Reason[name]] is not NAMED_AFTER[node.func.id]:
                    wrong.append(f"{path.relative_to(ROOT)}:{node.lineno} {node.func.id} {name}")
    assert wrong == []


@pytest.mark.parametrize("reason", Reason)
def test_a_reason_reaches_a_client_as_it_stands_in_the_contract(reason: Reason) -> None:
    status = to_status(ApplicationError(reason, "What happened.", metadata={"key": "value"}))
    assert (status.code, status.message) == (STATUS_OF[reason].value[0], "What happened.")
    (info,) = unpacked(status, error_details_pb2.ErrorInfo)
    assert (info.reason, info.domain, dict(info.metadata)) == (f"ERROR_REASON_{reason.name}", "kaiwa", {"key": "value"})
    assert unpacked(status, error_details_pb2.BadRequest) == []
    retries = unpacked(status, error_details_pb2.RetryInfo)
    again = STATUS_OF[reason] in {grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.UNAVAILABLE}
    assert [retry.retry_delay.ToTimedelta() for retry in retries] == ([timedelta(seconds=1)] if again else [])


@pytest.mark.parametrize("reason", Reason)
def test_a_time_to_try_again_is_told_whatever_the_reason(reason: Reason) -> None:
    status = to_status(ApplicationError(reason, "What happened.", retry_after=timedelta(seconds=2.5)))
    (retry,) = unpacked(status, error_details_pb2.RetryInfo)
    assert retry.retry_delay.ToTimedelta() == timedelta(seconds=2.5)
    assert len(unpacked(status, error_details_pb2.ErrorInfo)) == 1


def test_fields_at_fault_are_named() -> None:
    violations = (FieldViolation("config.tags[2]", "is too long"), FieldViolation("id", "is no UUID"))
    status = to_status(ApplicationError(Reason.INVALID_FIELD, "What happened.", violations=violations))
    (bad,) = unpacked(status, error_details_pb2.BadRequest)
    assert [FieldViolation(each.field, each.description) for each in bad.field_violations] == list(violations)
    assert len(unpacked(status, error_details_pb2.ErrorInfo)) == 1


@pytest.mark.parametrize("character", ["x", "%", "あ", "\n", "𠮷"])
def test_however_much_is_wrong_it_fits_into_what_clients_take(character: str) -> None:
    """The message goes percent-encoded, the details, which have it again, in base64: together below 8 KiB."""
    long = character * 20_000
    status = to_status(ApplicationError(Reason.INVALID_FIELD, long, violations=[FieldViolation(long, long)] * 1000))
    details = len(base64.b64encode(status.SerializeToString()))
    assert len(quote(status.message, safe=" ")) + details < 7000
    assert status.message.endswith("…")
    (bad,) = unpacked(status, error_details_pb2.BadRequest)
    assert bad.field_violations[0].description.startswith(character * 50)


def test_an_invalid_input_names_its_field_for_people_and_for_machines() -> None:
    status = to_status(InvalidInput("text", "is too long", reason=Reason.TEXT_NOT_JAPANESE, metadata={"limit": "3"}))
    (info,) = unpacked(status, error_details_pb2.ErrorInfo)
    (bad,) = unpacked(status, error_details_pb2.BadRequest)
    assert dict(info.metadata) == {"field": "text", "limit": "3"}
    assert [(each.field, each.description) for each in bad.field_violations] == [("text", "is too long")]
    assert status.message == "text: is too long"


def unpacked(status: Status, kind: type[Detail]) -> list[Detail]:
    """The details of one kind."""
    found = []
    for packed in status.details:
        detail = kind()
        if packed.Unpack(detail):
            found.append(detail)
    return found
