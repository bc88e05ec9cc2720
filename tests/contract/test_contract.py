"""The contract as a whole: what it promises everywhere, and what the server must know of it, by reflection."""

import importlib
import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from functools import cache
from pathlib import Path

import grpc
import protovalidate
from google.protobuf.descriptor import (
    Descriptor,
    EnumDescriptor,
    FieldDescriptor,
    FileDescriptor,
    MethodDescriptor,
    ServiceDescriptor,
)
from google.protobuf.message_factory import GetMessageClass

from buf.validate import validate_pb2
from kaiwa.errors.v1 import error_reason_pb2
from kaiwa.learning.v1 import learning_service_pb2, review_pb2
from server.errors import Reason
from server.kernel.identity import Role
from server.rpc.policy import POLICIES
from server.rpc.status import STATUS_OF

ROOT = Path(__file__).resolve().parents[2]
PROTOS = ROOT / "protos"

METHODS = {
    "kaiwa.accounts.v1.AccountsService": (
        "Register Login RefreshTokens Logout ListSessions RevokeSession GetMe UpdateMe ChangePassword"
        " RequestEmailVerification VerifyEmail RequestPasswordReset ResetPassword ExportMyData DownloadMyData DeleteMe"
        " ListUsers UpdateUser ListConfig SetConfig GetPublicConfig"
    ),
    "kaiwa.content.v1.ContentService": (
        "ListSentences GetSentence BatchGetSentences CreateSentence UpdateSentence DeleteSentence UndeleteSentence"
        " SuggestSentences AnalyzeText ListPronunciations SetPronunciation DeletePronunciation GetSentenceAudio"
        " UploadSentenceAudio PrepareAudio CreateImport UploadImport PushImportChunk PreviewImport StartImport"
        " GetImport ListImports"
    ),
    "kaiwa.learning.v1.LearningService": (
        "GetReviewQueue SubmitReview SubmitReviews UndoReview ListCards GetCard AddCards SuspendCards UnsuspendCards"
        " BuryCards UnburyCards ResetCards GetSettings UpdateSettings GetProgress GetStats GetDailyStats GetTrends"
        " GetForecast OptimizeScheduler SimulateWorkload SyncChanges"
    ),
    "kaiwa.speech.v1.SpeechService": (
        "Practice OpenPractice PushPracticeAudio FinishPractice AssessRecording Transcribe Synthesize ListVoices"
        " StartSpeakingSession EndSpeakingSession ListSpeakingSessions ListAttempts GetAttempt GetAttemptAudio"
        " GetContrastAudio DeleteAttempt RescoreAttempts GetSoundProfile ListDrills CheckMicrophone"
    ),
    "kaiwa.jobs.v1.JobsService": "GetJob WatchJob CancelJob ListJobs",
}
"""The RPCs that the design fixes: clients and checks call them by these names."""

FOREIGN_IDS = {"source_id", "english_source_id"}
"""Ids that another system gave, which are no UUIDs."""

COMMENTED = re.compile(r"((?:^[ ]*//[^\n]*\n)+)[ ]*(?:rpc )?(\w+)(?:\(| = \d+)", re.MULTILINE)


@cache
def files() -> tuple[FileDescriptor, ...]:
    paths = sorted(path.relative_to(PROTOS) for path in (PROTOS / "kaiwa").rglob("*.proto"))
    modules = [importlib.import_module(".".join(path.with_suffix("").parts) + "_pb2") for path in paths]
    return tuple(module.DESCRIPTOR for module in modules)


def services() -> list[ServiceDescriptor]:
    return [service for file in files() for service in file.services_by_name.values()]


def methods() -> list[MethodDescriptor]:
    return [method for service in services() for method in service.methods]


def messages() -> Iterator[Descriptor]:
    waiting = [message for file in files() for message in file.message_types_by_name.values()]
    while waiting:
        message = waiting.pop()
        yield message
        waiting.extend(nested for nested in message.nested_types if not nested.GetOptions().map_entry)


def enums() -> Iterator[EnumDescriptor]:
    for file in files():
        yield from file.enum_types_by_name.values()
    for message in messages():
        yield from message.enum_types


def fields_within(message: Descriptor) -> Mapping[str, FieldDescriptor]:
    """Every field that a message of this type can hold at any depth, by its full name."""
    found: dict[str, FieldDescriptor] = {}
    waiting = [message]
    while waiting:
        for field in waiting.pop().fields:
            if field.full_name not in found:
                found[field.full_name] = field
                if field.message_type is not None:
                    waiting.append(field.message_type)
    return found


def path_of(method: MethodDescriptor) -> str:
    return f"/{method.containing_service.full_name}/{method.name}"


@cache
def comments(file: str) -> Mapping[str, str]:
    """The comment before each RPC and each enum value of a file, on one line."""
    text = (PROTOS / file).read_text(encoding="utf-8")
    return {
        name: " ".join(re.sub(r"^ *// ?", "", block, flags=re.M).split()) for block, name in COMMENTED.findall(text)
    }


def comment_of(method: MethodDescriptor) -> str:
    return comments(method.containing_service.file.name)[method.name]


def test_the_services_have_the_methods_of_the_design() -> None:
    found = {service.full_name: {method.name for method in service.methods} for service in services()}
    assert found == {service: set(names.split()) for service, names in METHODS.items()}


def test_every_method_and_no_other_has_a_policy_with_a_deadline() -> None:
    ours = {path: policy for path, policy in POLICIES.items() if path.startswith("/kaiwa.")}
    assert set(ours) == {path_of(method) for method in methods()}
    assert [path for path, policy in ours.items() if policy.deadline <= timedelta(0)] == []


def test_the_contract_says_who_may_call() -> None:
    said = {"Public": None, "For administrators": Role.ADMIN}
    for method in methods():
        role = POLICIES[path_of(method)].role
        first = comment_of(method).partition(".")[0]
        assert first in said or role in (Role.STUDENT, Role.TEACHER), method.full_name
        assert first not in said or said[first] is role, method.full_name


def test_the_contract_says_whether_to_retry() -> None:
    assert [method.full_name for method in methods() if not re.search(r"\bretry\b", comment_of(method))] == []


def test_what_the_comments_of_methods_name_exists() -> None:
    known = {code.name for code in grpc.StatusCode}
    for enum in enums():
        for value in enum.values:
            parts = value.name.split("_")
            known |= {"_".join(parts[start:]) for start in range(len(parts))}
    for method in methods():
        named = set(re.findall(r"\b[A-Z0-9]+(?:_[A-Z0-9]+)+\b", comment_of(method)))
        assert named <= known, method.full_name


def test_a_client_stream_is_mirrored_for_browsers_or_said_not_to_be_for_them() -> None:
    streams = {method.name: comment_of(method) for method in methods() if method.client_streaming}
    del streams["Practice"]  # OpenPractice and its comment
    assert [name for name, comment in streams.items() if "rowsers" not in comment] == []


def test_lists_are_paged() -> None:
    for method in methods():
        if method.name.startswith("List"):
            request, response = method.input_type.fields_by_name, method.output_type.fields_by_name
            assert {"page_size", "page_token"} <= set(request), method.full_name
            assert "next_page_token" in response, method.full_name
            assert request["page_size"].GetOptions().Extensions[validate_pb2.field].int32.HasField("gte")
            assert request["page_token"].GetOptions().Extensions[validate_pb2.field].string.HasField("max_len")


def test_ids_in_requests_are_uuids() -> None:
    unruled = set()
    for method in methods():
        for name, field in fields_within(method.input_type).items():
            if field.type == FieldDescriptor.TYPE_STRING and re.search(r"(^|_)ids?$", field.name):
                rules = field.GetOptions().Extensions[validate_pb2.field]
                if not (rules.repeated.items if field.is_repeated else rules).string.uuid:
                    unruled.add(name)
    assert {name for name in unruled if name.rpartition(".")[2] not in FOREIGN_IDS} == set()


def test_only_administrators_name_a_user() -> None:
    for method in methods():
        if POLICIES[path_of(method)].role is not Role.ADMIN:
            assert [name for name in fields_within(method.input_type) if name.endswith(".user_id")] == []


def test_zero_is_no_value_of_an_enum() -> None:
    assert [enum.full_name for enum in enums() if not enum.values_by_number[0].name.endswith("_UNSPECIFIED")] == []


def test_every_reason_is_known_to_the_server_and_has_the_status_that_its_comment_names() -> None:
    reasons = error_reason_pb2.ErrorReason.DESCRIPTOR.values_by_name
    assert {reason.value for reason in Reason} == set(reasons) - {"ERROR_REASON_UNSPECIFIED"}
    assert set(STATUS_OF) == set(Reason)
    said = comments("kaiwa/errors/v1/error_reason.proto")
    named = {reason: re.match(r"[A-Z_]+(?=[.,] )", said[reason.value]) for reason in Reason}
    assert {reason: code and code.group() for reason, code in named.items()} == {
        reason: status.name for reason, status in STATUS_OF.items()
    }


def test_the_rules_of_every_message_can_be_checked() -> None:
    for message in messages():
        protovalidate.collect_violations(GetMessageClass(message)())


def test_one_bad_review_is_no_violation_of_a_whole_batch() -> None:
    batch = learning_service_pb2.SubmitReviewsRequest(reviews=[review_pb2.ReviewSubmission()])
    assert protovalidate.collect_violations(batch) == []
    assert protovalidate.collect_violations(batch.reviews[0]) != []
