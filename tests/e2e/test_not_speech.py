"""Silence, noise, music and English never become Japanese: live, free, and from a file, on real Whisper."""

from __future__ import annotations

import asyncio
import io
import re
from collections.abc import AsyncIterator

import grpc
import pytest
import soundfile

from kaiwa.speech.v1 import speech_service_pb2 as pb
from kaiwa.speech.v1.assessment_pb2 import Assessment
from kaiwa.speech.v1.speech_service_pb2_grpc import SpeechServiceStub
from kaiwa.speech.v1.transcript_pb2 import Transcript
from tests.support.real_practice import (
    CHUNK,
    RATE,
    Samples,
    Unassessable,
    clips,
    config,
    linear16,
    needs_recordings,
    pieces,
    practise,
)
from tests.support.real_server import Learner, RealServer
from tests.support.sounds import not_speech

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

OTHER = clips("other_audio")
ENGLISH = sorted(name for name, clip in OTHER.items() if clip.kind == "speech")
SOUNDS = sorted(OTHER.keys() - set(ENGLISH))
MADE = not_speech()
REFERENCE = "今日はいい天気だ"

_LATIN = re.compile(r"[\s!-~‘’“”–—…£€°À-ɏ]*")
"""What English is written with."""


@pytest.fixture
async def channel(real_server: RealServer) -> AsyncIterator[grpc.aio.Channel]:
    async with real_server.channel() as channel:
        yield channel


async def heard(
    channel: grpc.aio.Channel, learner: Learner, samples: Samples, *sizes: int
) -> tuple[list[Transcript], list[Assessment]]:
    """What becomes of audio in a practice with a reference, in free speech, and in a file.

    What is shown meanwhile may be no Japanese either.

    Args:
        sizes: bytes of the pieces that are sent, again and again; 100 ms unless told.
    """
    audio = linear16(samples)
    file = io.BytesIO()
    soundfile.write(file, samples, RATE, format="WAV", subtype="PCM_16")
    with_reference, free, transcribed = await asyncio.gather(
        practise(channel, learner, config(REFERENCE), pieces(audio, *(sizes or (CHUNK,)))),
        practise(channel, learner, config(), pieces(audio, *(sizes or (CHUNK,)))),
        SpeechServiceStub(channel).Transcribe(
            pb.TranscribeRequest(audio=file.getvalue(), language_hint="ja"), metadata=learner.metadata, timeout=60
        ),
    )
    for outcome in (with_reference, free):
        shown = [partial.stable_text + partial.unstable_text for partial in outcome.partials]
        assert all(_LATIN.fullmatch(text) for text in shown), shown
    transcripts = [with_reference.transcript, free.transcript, transcribed.transcript]
    return transcripts, [with_reference.assessment, free.assessment]


def assert_nothing_was_heard(transcripts: list[Transcript], assessments: list[Assessment]) -> None:
    assert [transcript.text for transcript in transcripts] == [""] * 3
    assert [transcript.reading for transcript in transcripts] == [""] * 3
    for assessment in assessments:
        assert not assessment.assessable
        assert assessment.unassessable_reason != Unassessable.UNASSESSABLE_REASON_UNSPECIFIED
        assert assessment.scores.ByteSize() == 0
        assert not assessment.morae


@needs_recordings
@pytest.mark.parametrize("name", SOUNDS)
async def test_music_and_noise(channel: grpc.aio.Channel, someone: Learner, name: str) -> None:
    assert_nothing_was_heard(*await heard(channel, someone, OTHER[name].samples))


@pytest.mark.parametrize("name", sorted(MADE))
async def test_made_sounds(channel: grpc.aio.Channel, someone: Learner, name: str) -> None:
    assert_nothing_was_heard(*await heard(channel, someone, MADE[name]))


@needs_recordings
@pytest.mark.parametrize("sizes", [(CHUNK,), (640, 1_280, 4_800)], ids=["even", "uneven"])
@pytest.mark.parametrize("name", ENGLISH)
async def test_english(channel: grpc.aio.Channel, someone: Learner, name: str, sizes: tuple[int, ...]) -> None:
    transcripts, assessments = await heard(channel, someone, OTHER[name].samples, *sizes)
    for transcript in transcripts:
        assert _LATIN.fullmatch(transcript.text), transcript.text
        assert transcript.reading == ""
        assert transcript.language in ({"en"} if transcript.text else {"en", ""})
    for assessment in assessments:
        assert not assessment.assessable
        assert assessment.unassessable_reason in {
            Unassessable.UNASSESSABLE_REASON_OTHER_LANGUAGE,
            Unassessable.UNASSESSABLE_REASON_NO_SPEECH,
            Unassessable.UNASSESSABLE_REASON_CLIPPED,
            Unassessable.UNASSESSABLE_REASON_TOO_NOISY,
        }
        assert assessment.scores.ByteSize() == 0


@needs_recordings
@pytest.mark.parametrize("start", [0.31, 1.05])
@pytest.mark.parametrize("name", ENGLISH)
async def test_english_from_the_middle_is_never_shown_as_japanese(
    channel: grpc.aio.Channel, someone: Learner, name: str, start: float
) -> None:
    audio = linear16(OTHER[name].samples[int(start * RATE) :])
    outcome = await practise(channel, someone, config(), pieces(audio, 1_280))
    shown = [partial.stable_text + partial.unstable_text for partial in outcome.partials]
    assert all(_LATIN.fullmatch(text) for text in shown), shown
