"""DeleteAttempt: with its audio, for good."""

from __future__ import annotations

from collections.abc import AsyncIterator

import grpc
import pytest

from kaiwa.speech.v1 import speech_service_pb2 as pb
from kaiwa.speech.v1.speech_service_pb2_grpc import SpeechServiceStub
from server.errors import ApplicationError, Reason
from server.speech.domain.attempt import StoredAudio
from tests.support.rpc import Served
from tests.support.speech import OTHER_LEARNER, Speech, attempt, caller
from tests.support.talk import TOKEN, refused, speaking

KEY = "attempts/one.flac"


@pytest.fixture
def speech() -> Speech:
    speech = Speech()
    speech.add_attempt(attempt(audio=StoredAudio(KEY, "audio/flac", 16000, 8)))
    speech.store.files[KEY] = b"fLaC"
    return speech


@pytest.fixture
async def served(speech: Speech) -> AsyncIterator[Served]:
    async with speaking(speech) as running:
        yield running


async def delete(served: Served) -> pb.DeleteAttemptResponse:
    request = pb.DeleteAttemptRequest(attempt_id=attempt().id)
    return await SpeechServiceStub(served.channel).DeleteAttempt(request, metadata=TOKEN)


async def test_an_attempt_goes_with_its_audio(speech: Speech, served: Served) -> None:
    await delete(served)
    assert speech.store.files == {}
    left, deleted_at = speech.state.attempts[attempt().id]
    assert deleted_at == speech.clock.now()
    assert (left.transcript.text, left.assessment, left.reference_text) == ("", None, "")


async def test_deleting_again_changes_nothing(speech: Speech, served: Served) -> None:
    await delete(served)
    before = speech.state.attempts
    await delete(served)
    assert speech.state.attempts == before


@pytest.mark.parametrize("there", [True, False])
async def test_somebody_elses_attempt_is_none(speech: Speech, served: Served, there: bool) -> None:
    speech.state.attempts.clear()
    if there:
        speech.add_attempt(attempt(user_id=OTHER_LEARNER, audio=StoredAudio(KEY, "audio/flac", 16000, 8)))
    failure = await refused(delete(served))
    assert (failure.code, failure.reason) == (grpc.StatusCode.NOT_FOUND, Reason.ATTEMPT_NOT_FOUND)
    assert failure.metadata == {"attempt_id": attempt().id}
    assert speech.store.files


async def test_while_the_store_is_away_the_attempt_stays(speech: Speech, served: Served) -> None:
    speech.store.away = True
    failure = await refused(delete(served))
    assert (failure.code, failure.reason) == (grpc.StatusCode.UNAVAILABLE, Reason.STORAGE_UNAVAILABLE)
    assert speech.state.attempts[attempt().id][1] is None
    speech.store.away = False
    await delete(served)
    assert speech.store.files == {}


async def test_what_was_begun_can_be_ended(speech: Speech) -> None:
    speech.database.away = 1
    with pytest.raises(ApplicationError) as caught:
        await speech.use.delete_attempt(caller(), attempt().id)
    assert caught.value.reason is Reason.DATABASE_UNAVAILABLE
    del speech.store.files[KEY]
    await speech.use.delete_attempt(caller(), attempt().id)
    assert speech.state.attempts[attempt().id][1] is not None
