"""A practice under way: what is kept together when streams break, end and come again."""

from __future__ import annotations

import pytest

from server.speech.domain.events import Event, Saved, Transcript
from server.speech.practice_config import PracticeConfig
from tests.support.speech import LEARNER, PRACTICE, Speech, caller, chunks, practice_config, said, settle, silence, spoken, stream

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
