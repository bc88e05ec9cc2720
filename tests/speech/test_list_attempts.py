"""ListAttempts: the history, without the details."""

from __future__ import annotations

from collections.abc import AsyncIterator

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from kaiwa.speech.v1 import practice_purpose_pb2
from kaiwa.speech.v1 import speech_service_pb2 as pb
from kaiwa.speech.v1.speech_service_pb2_grpc import SpeechServiceStub
from server.errors import Reason
from server.rpc.wire import timestamp
from server.speech.domain.attempt import Purpose
from tests.support.rpc import Served
from tests.support.speech import CARD, OTHER_LEARNER, SENTENCE, Speech, attempt, session
from tests.support.talk import TOKEN, refused, speaking


@pytest.fixture
def speech() -> Speech:
    speech = Speech()
    speech.add_attempt(attempt(1, sentence_id=SENTENCE.id))
    speech.add_attempt(attempt(2, session_id=session().id, attempt_number=1))
    speech.add_attempt(attempt(3, purpose=Purpose.REVIEW, card_id=CARD))
    speech.add_attempt(attempt(4, assessment=None, assessed_at=None, audio=None))
    speech.add_attempt(attempt(5, user_id=OTHER_LEARNER))
    return speech


@pytest.fixture
async def served(speech: Speech) -> AsyncIterator[Served]:
    async with speaking(speech) as running:
        yield running


async def page(served: Served, **fields: object) -> pb.ListAttemptsResponse:
    request = pb.ListAttemptsRequest(**fields)  # type: ignore[arg-type]
    return await SpeechServiceStub(served.channel).ListAttempts(request, metadata=TOKEN)


async def numbers(served: Served, **fields: object) -> list[int]:
    return [int(one.attempt_id[-1]) for one in (await page(served, **fields)).attempts]


async def test_ones_own_newest_first(served: Served) -> None:
    assert await numbers(served) == [4, 3, 2, 1]


async def test_what_a_list_leaves_out(served: Served) -> None:
    plain, *_, last = (await page(served)).attempts
    assert (last.transcript.text, last.transcript.confidence, len(last.transcript.segments)) == ("今日は", 0.875, 0)
    given = {field.name for field, _ in last.assessment.ListFields()}
    assert given == {"assessable", "scores", "versions", "assess_time"}
    assert last.assessment.scores.overall == 71.5
    assert last.audio.content_type == "audio/flac"
    assert not plain.HasField("assessment")
    assert not plain.HasField("audio")


async def test_filters(served: Served) -> None:
    assert await numbers(served, sentence_id=SENTENCE.id) == [1]
    assert await numbers(served, speaking_session_id=session().id) == [2]
    assert await numbers(served, card_id=CARD) == [3]
    assert await numbers(served, purpose=practice_purpose_pb2.PRACTICE_PURPOSE_REVIEW) == [3]
    assert await numbers(served, from_time=timestamp(attempt(3).created_at)) == [4, 3]
    assert await numbers(served, before_time=timestamp(attempt(2).created_at)) == [1]
    assert await numbers(served, assessable_only=True) == [3, 2, 1]


async def test_pages(served: Served) -> None:
    first = await page(served, page_size=3)
    assert [int(one.attempt_id[-1]) for one in first.attempts] == [4, 3, 2]
    assert await numbers(served, page_size=3, page_token=first.next_page_token) == [1]
    failure = await refused(page(served, page_token=first.next_page_token, card_id=CARD))
    assert (failure.code, failure.reason) == (grpc.StatusCode.INVALID_ARGUMENT, Reason.INVALID_PAGE_TOKEN)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"page_size": -1}, "page_size"),
        ({"sentence_id": "x"}, "sentence_id"),
        ({"purpose": 9}, "purpose"),
        ({"from_time": Timestamp(seconds=10**12)}, "from_time"),
    ],
)
async def test_what_is_refused(served: Served, fields: dict[str, object], field: str) -> None:
    failure = await refused(page(served, **fields))
    assert (failure.code, failure.fields) == (grpc.StatusCode.INVALID_ARGUMENT, (field,))
