"""Every method of the contract is answered where one expects it, and tested there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kaiwa.accounts.v1 import accounts_service_pb2
from kaiwa.content.v1 import content_service_pb2
from kaiwa.jobs.v1 import jobs_service_pb2
from kaiwa.learning.v1 import learning_service_pb2
from kaiwa.speech.v1 import speech_service_pb2
from server.accounts.servicer import AccountsServicer
from server.content.servicer import ContentServicer
from server.jobs.servicer import JobsServicer
from server.learning.servicer import LearningServicer
from server.speech.servicer import SpeechServicer

ROOT = Path(__file__).parents[2]
SERVICES = {
    "accounts": (accounts_service_pb2.DESCRIPTOR.services_by_name["AccountsService"], AccountsServicer),
    "content": (content_service_pb2.DESCRIPTOR.services_by_name["ContentService"], ContentServicer),
    "jobs": (jobs_service_pb2.DESCRIPTOR.services_by_name["JobsService"], JobsServicer),
    "learning": (learning_service_pb2.DESCRIPTOR.services_by_name["LearningService"], LearningServicer),
    "speech": (speech_service_pb2.DESCRIPTOR.services_by_name["SpeechService"], SpeechServicer),
}
IMPLEMENTED = [
    (service, method.name)
    for service, (descriptor, servicer) in SERVICES.items()
    for method in descriptor.methods
    if method.name in vars(servicer)
]


def snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def test_enough_is_implemented() -> None:
    assert len(IMPLEMENTED) >= 25


@pytest.mark.parametrize(("service", "method"), IMPLEMENTED)
def test_an_implemented_method_has_its_use_case_and_its_test(service: str, method: str) -> None:
    assert (ROOT / "server" / service / f"{snake(method)}.py").is_file()
    assert (ROOT / "tests" / service / f"test_{snake(method)}.py").is_file()


@pytest.mark.parametrize("service", SERVICES)
def test_a_servicer_answers_only_methods_of_the_contract(service: str) -> None:
    descriptor, servicer = SERVICES[service]
    names = {method.name for method in descriptor.methods}
    assert {name for name in vars(servicer) if name[0].isupper()} <= names
