"""ListSpeakingSessions."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import grpc
import pytest

from kaiwa.speech.v1 import practice_purpose_pb2
from kaiwa.speech.v1 import speech_service_pb2 as pb
from kaiwa.speech.v1.speech_service_pb2_grpc import SpeechServiceStub
from server.errors import Reason
from server.rpc.wire import timestamp
from server.speech.domain.attempt import Purpose
from tests.support.kernel import NOON
from tests.support.rpc import Served
from tests.support.speech import OTHER_LEARNER, SENTENCE, Speech, attempt, session
from tests.support.talk import TOKEN, refused, speaking


@pytest.fixture
def speech() -> Speech:
    speech = Speech()
    speech.add_session(session(1, sentence_id=SENTENCE.id))
    speech.add_session(session(2, purpose=Purpose.REVIEW))
    speech.add_session(session(3, ended_at=NOON + timedelta(minutes=1)))
    speech.add_session(session(4, user_id=OTHER_LEARNER))
    speech.add_attempt(attempt(1, session_id=session(2).id))
    return speech


@pytest.fixture
async def served(speech: Speech) -> AsyncIterator[Served]:
    async with speaking(speech) as running:
        yield running


async def page(served: Served, **fields: object) -> pb.ListSpeakingSessionsResponse:
    request = pb.ListSpeakingSessionsRequest(**fields)  # type: ignore[arg-type]
    return await SpeechServiceStub(served.channel).ListSpeakingSessions(request, metadata=TOKEN)


async def numbers(served: Served, **fields: object) -> list[int]:
    return [int(one.speaking_session_id[-1]) for one in (await page(served, **fields)).speaking_sessions]


async def test_ones_own_newest_first_with_figures(served: Served) -> None:
    found = await page(served)
    assert [int(one.speaking_session_id[-1]) for one in found.speaking_sessions] == [3, 2, 1]
    assert [one.attempt_count for one in found.speaking_sessions] == [0, 1, 0]
    assert found.next_page_token == ""


async def test_filters(served: Served) -> None:
    assert await numbers(served, sentence_id=SENTENCE.id) == [1]
    assert await numbers(served, purpose=practice_purpose_pb2.PRACTICE_PURPOSE_REVIEW) == [2]
    assert await numbers(served, from_time=timestamp(session(2).started_at)) == [3, 2]
    assert await numbers(served, before_time=timestamp(session(2).started_at)) == [1]
    assert await numbers(served, open_only=True) == [2, 1]


async def test_forgotten_sessions_are_not_open(speech: Speech, served: Served) -> None:
    speech.clock.advance(timedelta(hours=13))
    assert await numbers(served, open_only=True) == []
    assert speech.state.sessions[session(2).id].ended_at == session(2).started_at


async def test_pages(served: Served) -> None:
    first = await page(served, page_size=2)
    second = await page(served, page_size=2, page_token=first.next_page_token)
    assert [int(one.speaking_session_id[-1]) for one in second.speaking_sessions] == [1]
    assert second.next_page_token == ""
    failure = await refused(page(served, page_token=first.next_page_token, open_only=True))
    assert (failure.code, failure.reason) == (grpc.StatusCode.INVALID_ARGUMENT, Reason.INVALID_PAGE_TOKEN)


async def test_a_negative_size(served: Served) -> None:
    failure = await refused(page(served, page_size=-1))
    assert (failure.reason, failure.fields) == (Reason.INVALID_FIELD, ("page_size",))
