"""PushPracticeAudio: pieces that come out of order, twice, too many or too late."""

from __future__ import annotations

import asyncio

import pytest

from server.errors import ApplicationError, Reason
from server.speech.outbox import Outbox
from tests.support.speech import OTHER_LEARNER, PRACTICE, Speech, caller, practice_config, settle, silence, spoken


@pytest.fixture
def speech() -> Speech:
    return Speech()


async def opened(speech: Speech) -> Outbox:
    _, outbox = await speech.opener(caller(), practice_config(partials=False))
    return outbox


async def push(speech: Speech, offset: int, audio: bytes) -> int:
    return await speech.use.push_practice_audio(caller(), PRACTICE, offset, audio)


async def refused(speech: Speech, offset: int, audio: bytes) -> ApplicationError:
    with pytest.raises(ApplicationError) as caught:
        await push(speech, offset, audio)
    return caught.value


async def test_pieces_that_overtake_each_other_wait_for_their_turn(speech: Speech) -> None:
    await opened(speech)
    late = asyncio.ensure_future(push(speech, 6400, spoken(0.1)))
    middle = asyncio.ensure_future(push(speech, 3200, spoken(0.1)))
    await settle()
    assert not late.done()
    assert await push(speech, 0, spoken(0.1)) == 3200
    assert await middle >= 6400
    assert await late == 9600


async def test_what_is_there_already_is_skipped(speech: Speech) -> None:
    await opened(speech)
    audio = spoken(0.3)
    assert await push(speech, 0, audio[:6400]) == 6400
    assert await push(speech, 0, audio[:6400]) == 6400
    assert await push(speech, 3200, audio[3200:]) == 9600
    await speech.use.finish_practice(caller(), PRACTICE, None)
    await speech.sessions.wait_until_none()
    (stored,) = [attempt for attempt, _ in speech.state.attempts.values()]
    assert stored.audio_seconds == pytest.approx(0.3)


async def test_a_gap_that_is_not_filled(speech: Speech) -> None:
    await opened(speech)
    await push(speech, 0, spoken(0.2))
    waiting = asyncio.ensure_future(refused(speech, 9600, spoken(0.1)))
    await speech.time.advance(2.1)
    error = await waiting
    assert error.reason is Reason.AUDIO_OFFSET_WRONG
    assert error.metadata == {"field": "offset", "offset": "9600", "expected_offset": "6400"}
    assert await push(speech, 6400, spoken(0.1)) == 9600


async def test_too_many_at_once(speech: Speech) -> None:
    await opened(speech)
    waiting = [asyncio.ensure_future(push(speech, 3200 * (i + 1), spoken(0.1))) for i in range(3)]
    await settle()
    error = await refused(speech, 0, spoken(0.1))
    assert error.reason is Reason.TOO_MANY_PUSHES
    assert error.metadata == {"limit": "3"}
    assert error.retry_after is not None
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    assert await push(speech, 0, spoken(0.1)) == 3200


@pytest.mark.parametrize("who", [caller(), caller(OTHER_LEARNER)])
async def test_a_practice_that_is_not_open_for_the_learner(speech: Speech, who: object) -> None:
    if who == caller(OTHER_LEARNER):
        await opened(speech)
    with pytest.raises(ApplicationError) as caught:
        await speech.use.push_practice_audio(who, PRACTICE, 0, b"\0\0")  # type: ignore[arg-type]
    assert caught.value.reason is Reason.PRACTICE_NOT_FOUND
    assert caught.value.metadata == {"practice_id": PRACTICE}


async def test_a_piece_too_large_changes_nothing(speech: Speech) -> None:
    await opened(speech)
    error = await refused(speech, 0, b"\0" * 65_537)
    assert error.reason is Reason.CHUNK_TOO_LARGE
    assert await push(speech, 0, spoken(0.1)) == 3200


async def test_after_the_finish(speech: Speech) -> None:
    await opened(speech)
    speech.recogniser.gate.clear()
    await push(speech, 0, spoken(0.5))
    await speech.use.finish_practice(caller(), PRACTICE, None)
    assert (await refused(speech, 16_000, spoken(0.1))).reason is Reason.AUDIO_AFTER_FINISH
    assert await push(speech, 0, spoken(0.5)) == 16_000


async def test_an_utterance_too_long_ends_the_practice(speech: Speech) -> None:
    outbox = await opened(speech)
    for index in range(15):
        await push(speech, 64_000 * index, silence(2.0))
    error = await refused(speech, 64_000 * 15, silence(0.1))
    assert error.reason is Reason.UTTERANCE_TOO_LONG
    assert outbox.closed
    assert len(speech.sessions) == 0
