"""EndSpeakingSession."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import grpc
import pytest

from kaiwa.speech.v1 import attempt_pb2
from kaiwa.speech.v1 import speech_service_pb2 as pb
from kaiwa.speech.v1.speech_service_pb2_grpc import SpeechServiceStub
from server.errors import Reason
from tests.support.kernel import NOON
from tests.support.rpc import Served
from tests.support.speech import OTHER_LEARNER, Speech, attempt, session
from tests.support.talk import TOKEN, refused, speaking


@pytest.fixture
def speech() -> Speech:
    return Speech()


@pytest.fixture
async def served(speech: Speech) -> AsyncIterator[Served]:
    async with speaking(speech) as running:
        yield running


async def end(served: Served, session_id: str = session().id) -> attempt_pb2.SpeakingSession:
    request = pb.EndSpeakingSessionRequest(speaking_session_id=session_id)
    return (await SpeechServiceStub(served.channel).EndSpeakingSession(request, metadata=TOKEN)).speaking_session


async def test_a_session_is_ended_with_its_figures(speech: Speech, served: Served) -> None:
    speech.add_session(session())
    speech.add_attempt(attempt(1, session_id=session().id))
    speech.add_attempt(attempt(2, session_id=session().id, assessment=None))
    speech.clock.advance(timedelta(minutes=5))
    ended = await end(served)
    assert ended.end_time.ToDatetime() == (NOON + timedelta(minutes=5)).replace(tzinfo=None)
    assert (ended.attempt_count, ended.audio_duration.seconds, ended.average_scores.overall) == (2, 5, 71.5)
    assert not ended.average_scores.HasField("prosody")


async def test_ending_again_changes_nothing(speech: Speech, served: Served) -> None:
    speech.add_session(session())
    speech.clock.advance(timedelta(minutes=5))
    first = await end(served)
    speech.clock.advance(timedelta(minutes=5))
    assert await end(served) == first


async def test_a_forgotten_session_ended_with_its_last_attempt(speech: Speech, served: Served) -> None:
    speech.add_session(session())
    speech.add_attempt(attempt(9, session_id=session().id))
    speech.clock.advance(timedelta(hours=13))
    assert (await end(served)).end_time.ToDatetime() == attempt(9).created_at.replace(tzinfo=None)


async def test_somebody_elses_session_is_none(speech: Speech, served: Served) -> None:
    speech.add_session(session(user_id=OTHER_LEARNER))
    failure = await refused(end(served))
    assert (failure.code, failure.reason) == (grpc.StatusCode.NOT_FOUND, Reason.SPEAKING_SESSION_NOT_FOUND)
    assert failure.metadata == {"speaking_session_id": session().id}
    assert speech.state.sessions[session().id].ended_at is None
