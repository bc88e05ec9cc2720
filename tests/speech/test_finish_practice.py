"""FinishPractice: waits for what is under way, and may be repeated."""

from __future__ import annotations

import asyncio

import pytest

from server.errors import ApplicationError, Reason
from tests.support.speech import PRACTICE, Speech, caller, practice_config, settle, spoken


@pytest.fixture
def speech() -> Speech:
    return Speech()


async def test_audio_that_is_under_way_is_waited_for(speech: Speech) -> None:
    await speech.opener(caller(), practice_config())
    await speech.use.push_practice_audio(caller(), PRACTICE, 0, spoken(0.5))
    finishing = asyncio.ensure_future(speech.use.finish_practice(caller(), PRACTICE, 32_000))
    await settle()
    assert not finishing.done()
    await speech.use.push_practice_audio(caller(), PRACTICE, 16_000, spoken(0.5))
    assert await finishing == 32_000
    await speech.sessions.wait_until_none()
    (stored,) = [attempt for attempt, _ in speech.state.attempts.values()]
    assert stored.audio_seconds == pytest.approx(1.0)


async def test_audio_that_does_not_come(speech: Speech) -> None:
    await speech.opener(caller(), practice_config())
    finishing = asyncio.ensure_future(speech.use.finish_practice(caller(), PRACTICE, 32_000))
    await speech.time.advance(2.1)
    with pytest.raises(ApplicationError) as caught:
        await finishing
    assert caught.value.reason is Reason.AUDIO_OFFSET_WRONG
    assert caught.value.metadata == {"field": "final_offset", "offset": "32000", "expected_offset": "0"}
    await speech.use.push_practice_audio(caller(), PRACTICE, 0, spoken(0.5))


async def test_a_repeated_finish_changes_nothing(speech: Speech) -> None:
    speech.recogniser.gate.clear()
    await speech.opener(caller(), practice_config(partials=False))
    await speech.use.push_practice_audio(caller(), PRACTICE, 0, spoken(0.5))
    assert await speech.use.finish_practice(caller(), PRACTICE, 16_000) == 16_000
    assert await speech.use.finish_practice(caller(), PRACTICE, None) == 16_000
    speech.recogniser.gate.set()
    await speech.sessions.wait_until_none()
    assert len(speech.state.attempts) == 1


async def test_a_practice_that_is_not_open(speech: Speech) -> None:
    with pytest.raises(ApplicationError) as caught:
        await speech.use.finish_practice(caller(), PRACTICE, None)
    assert caught.value.reason is Reason.PRACTICE_NOT_FOUND
