"""A practice under way: what is kept together when streams break, end and come again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TypeVar

import pytest

from server.errors import ApplicationError, Reason
from server.speech.domain.attempt import Attempt
from server.speech.domain.events import Event, Ready, Saved, Transcript
from server.speech.practice import Finish
from server.speech.practice_config import PracticeConfig
from tests.support.speech import (
    LEARNER,
    PRACTICE,
    Speech,
    caller,
    chunks,
    practice_config,
    said,
    settle,
    silence,
    spoken,
    stream,
)

T = TypeVar("T")

CUT_SHORT = 30.0
"""Seconds of audio that a recogniser hears; what goes beyond is lost."""


@pytest.fixture
def speech() -> Speech:
    return Speech()


async def practise(speech: Speech, *items: PracticeConfig | bytes) -> list[Event]:
    """All events of a practice whose client sends all at once."""
    return [numbered.event async for numbered in speech.use.practice(caller(), stream(items))]


def free(**changes: object) -> PracticeConfig:
    return practice_config(reference_text=None, **changes)


async def test_long_free_speech_without_partials_is_heard_to_the_end(speech: Speech) -> None:
    speech.recogniser.finals = [said("学校"), said("です"), said("よ")]
    audio = b"".join(spoken(19.0) + silence(0.6) for _ in range(3))
    events = await practise(speech, free(partials=False), *chunks(audio, 64_000))
    (transcript,) = [event for event in events if isinstance(event, Transcript)]
    assert transcript.text == "学校ですよ"
    lengths = [length for kind, length, _ in speech.recogniser.calls if kind == "final"]
    assert max(lengths) <= CUT_SHORT
    assert sum(lengths) == pytest.approx(58.5, abs=0.5)


async def test_speech_that_partials_cannot_keep_up_with_is_heard_to_the_end(speech: Speech) -> None:
    speech.recogniser.gate.clear()
    outbox = (await speech.opener(caller(), free()))[1]
    live = speech.sessions.get(LEARNER, PRACTICE)
    for piece in chunks(spoken(1.0)):
        await live.push(piece)
    for piece in chunks(spoken(69.0), 64_000):
        await live.push(piece)
    speech.recogniser.gate.set()
    await settle()
    await live.push(spoken(0.1))
    await live.finish()
    events = [numbered.event async for numbered in outbox]
    assert isinstance(events[-1], Saved)
    lengths = [length for _, length, _ in speech.recogniser.calls]
    assert max(lengths) <= CUT_SHORT
    finals = [length for kind, length, _ in speech.recogniser.calls if kind == "final"]
    assert sum(finals) == pytest.approx(70.1, abs=0.1)


async def test_a_piece_whose_sender_goes_while_it_is_taken_is_taken_once(speech: Speech) -> None:
    await speech.opener(caller(), practice_config(partials=False))
    audio = spoken(1.0)
    speech.voice.gate.clear()
    pushing = asyncio.ensure_future(speech.use.push_practice_audio(caller(), PRACTICE, 0, audio[:16_000]))
    await settle()
    pushing.cancel()
    await settle()
    speech.voice.gate.set()
    await asyncio.gather(pushing, return_exceptions=True)
    assert await speech.use.push_practice_audio(caller(), PRACTICE, 0, audio[:16_000]) == 16_000
    assert await speech.use.push_practice_audio(caller(), PRACTICE, 16_000, audio[16_000:]) == 32_000
    await speech.use.finish_practice(caller(), PRACTICE, 32_000)
    assert (await stored(speech)).audio_seconds == pytest.approx(1.0)
    assert [length for _, length, _ in speech.recogniser.calls] == [pytest.approx(1.0, abs=0.03)]


async def test_a_finish_whose_sender_goes_meanwhile_finishes_all_the_same(speech: Speech) -> None:
    live, _ = await speech.opener(caller(), practice_config(partials=False))
    assert live is not None
    await live.push(spoken(1.0))
    speech.voice.gate.clear()
    finishing = asyncio.ensure_future(live.finish())
    await settle()
    finishing.cancel()
    await settle()
    again = asyncio.ensure_future(live.finish())
    await settle()
    speech.voice.gate.set()
    assert await again == 32_000
    assert (await stored(speech)).audio_seconds == pytest.approx(1.0)


async def test_a_stream_taken_over_while_a_piece_is_taken_says_nothing_twice(speech: Speech) -> None:
    audio = spoken(1.0)
    config = practice_config(partials=False)
    old: asyncio.Queue[PracticeConfig | bytes | Finish] = asyncio.Queue()
    first = asyncio.ensure_future(listen(speech, queued(old)))
    old.put_nowait(config)
    await settle()
    speech.voice.gate.clear()
    old.put_nowait(audio[:16_000])
    await settle()
    new: asyncio.Queue[PracticeConfig | bytes | Finish] = asyncio.Queue()
    second = asyncio.ensure_future(listen(speech, queued(new)))
    new.put_nowait(config)
    await settle()
    # The piece is on its way, so the server has nothing yet and asks for everything.
    new.put_nowait(audio)
    new.put_nowait(Finish())
    await settle()
    speech.voice.gate.set()
    events = await second
    with pytest.raises(ApplicationError) as caught:
        await first
    assert caught.value.reason is Reason.PRACTICE_TAKEN_OVER
    assert isinstance(events[0], Ready)
    assert events[0].resume_offset == 0
    assert (await stored(speech)).audio_seconds == pytest.approx(1.0)


async def test_what_a_stream_sends_that_was_taken_over_is_not_heard(speech: Speech) -> None:
    config = practice_config(partials=False)
    old: asyncio.Queue[PracticeConfig | bytes | Finish] = asyncio.Queue()
    first = asyncio.ensure_future(listen(speech, queued(old)))
    old.put_nowait(config)
    await settle()
    old.put_nowait(spoken(0.5))
    old.put_nowait(Finish())
    live, _ = await speech.opener(caller(), config)
    await settle()
    assert live is not None
    assert not live.deciding
    assert isinstance((await asyncio.gather(first, return_exceptions=True))[0], ApplicationError)


async def test_a_client_that_reads_slowly_sees_no_gap_in_the_count(speech: Speech) -> None:
    live, outbox = await speech.opener(caller(), practice_config())
    assert live is not None
    for piece in chunks(spoken(3.0)):
        await live.push(piece)
        await settle(20)
    await live.finish()
    counts = [numbered.sequence async for numbered in outbox]
    assert counts == list(range(1, len(counts) + 1))


async def test_the_count_goes_on_after_a_resumption(speech: Speech) -> None:
    live, outbox = await speech.opener(caller(), practice_config())
    assert live is not None
    await live.push(spoken(1.0))
    await settle()
    live.detach(outbox)
    before = [numbered.sequence async for numbered in outbox]
    # What nobody hears is not counted.
    await live.push(spoken(1.0))
    await settle()
    _, again = await speech.opener(caller(), practice_config())
    await live.finish()
    after = [numbered.sequence async for numbered in again]
    assert before + after == list(range(1, len(before + after) + 1))


async def listen(speech: Speech, intake: AsyncIterator[PracticeConfig | bytes | Finish]) -> list[Event]:
    return [numbered.event async for numbered in speech.use.practice(caller(), intake)]


async def queued(queue: asyncio.Queue[T]) -> AsyncIterator[T]:
    """What a client sends that takes its time."""
    while True:
        yield await queue.get()


async def stored(speech: Speech) -> Attempt:
    """The one attempt, once it is stored."""
    await speech.sessions.wait_until_none()
    ((attempt, _),) = speech.state.attempts.values()
    return attempt
