"""StartSpeakingSession."""

from __future__ import annotations

from collections.abc import AsyncIterator

import grpc
import pytest

from kaiwa.speech.v1 import practice_purpose_pb2
from kaiwa.speech.v1 import speech_service_pb2 as pb
from kaiwa.speech.v1.speech_service_pb2_grpc import SpeechServiceStub
from server.errors import Reason
from tests.support.kernel import NOON
from tests.support.rpc import Served
from tests.support.speech import OTHER_LEARNER, SENTENCE, Speech
from tests.support.talk import TOKEN, refused, speaking

REQUEST_ID = "0198C0DE-0000-7000-9000-0000000000E1"


@pytest.fixture
def speech() -> Speech:
    return Speech()


@pytest.fixture
async def served(speech: Speech) -> AsyncIterator[Served]:
    async with speaking(speech) as running:
        yield running


async def start(served: Served, **fields: object) -> pb.StartSpeakingSessionResponse:
    request = pb.StartSpeakingSessionRequest(**fields)  # type: ignore[arg-type]
    return await SpeechServiceStub(served.channel).StartSpeakingSession(request, metadata=TOKEN)


async def test_a_session_about_nothing_in_particular(speech: Speech, served: Served) -> None:
    made = (await start(served)).speaking_session
    assert made.purpose == practice_purpose_pb2.PRACTICE_PURPOSE_PRACTICE
    assert (made.sentence_id, made.title, made.attempt_count) == ("", "", 0)
    assert made.start_time.ToDatetime() == NOON.replace(tzinfo=None)
    assert not made.HasField("end_time")
    assert not made.average_scores.HasField("overall")
    assert list(speech.state.sessions) == [made.speaking_session_id]


async def test_a_session_with_everything(speech: Speech, served: Served) -> None:
    speech.add_sentence()
    review = practice_purpose_pb2.PRACTICE_PURPOSE_REVIEW
    made = (await start(served, sentence_id=SENTENCE.id, title="Rain", purpose=review)).speaking_session
    assert (made.sentence_id, made.title, made.purpose) == (SENTENCE.id, "Rain", review)


async def test_a_repeated_request_starts_one_session(speech: Speech, served: Served) -> None:
    first = await start(served, request_id=REQUEST_ID, title="Rain")
    assert await start(served, request_id=REQUEST_ID.lower(), title="Rain") == first
    assert await start(served, title="Rain") != first
    assert len(speech.state.sessions) == 2


async def test_a_request_id_is_for_one_request(speech: Speech, served: Served) -> None:
    await start(served, request_id=REQUEST_ID, title="Rain")
    failure = await refused(start(served, request_id=REQUEST_ID, title="Snow"))
    assert (failure.code, failure.reason) == (grpc.StatusCode.ALREADY_EXISTS, Reason.REQUEST_ID_REUSED)


async def test_a_request_that_failed_can_be_made_again(speech: Speech, served: Served) -> None:
    assert (await refused(start(served, request_id=REQUEST_ID, sentence_id=SENTENCE.id))).code.name == "NOT_FOUND"
    speech.add_sentence()
    assert (await start(served, request_id=REQUEST_ID, sentence_id=SENTENCE.id)).speaking_session.speaking_session_id


async def test_a_sentence_that_the_learner_does_not_see(speech: Speech, served: Served) -> None:
    speech.add_sentence(owner=OTHER_LEARNER)
    failure = await refused(start(served, sentence_id=SENTENCE.id))
    assert (failure.code, failure.reason) == (grpc.StatusCode.NOT_FOUND, Reason.SENTENCE_NOT_FOUND)
    assert failure.metadata == {"field": "sentence_id", "sentence_id": SENTENCE.id}


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"request_id": "1"}, "request_id"),
        ({"sentence_id": "x"}, "sentence_id"),
        ({"title": "x" * 101}, "title"),
        ({"title": "a\0b"}, "title"),
        ({"purpose": 0}, "purpose"),
    ],
)
async def test_what_is_refused(served: Served, fields: dict[str, object], field: str) -> None:
    failure = await refused(start(served, **fields))
    assert (failure.code, failure.reason) == (grpc.StatusCode.INVALID_ARGUMENT, Reason.INVALID_FIELD)
    assert failure.fields == (field,)
