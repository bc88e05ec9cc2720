"""CheckMicrophone: clips that are good, fair and hopeless."""

from __future__ import annotations

import pytest

from server.errors import ApplicationError, Reason
from server.speech.check_microphone import LONGEST_FILE, Clip
from server.speech.domain.microphone import Problem, Verdict
from server.speech.practice_config import Encoding
from tests.support.speech import Speech, caller, recording, silence, spoken


@pytest.fixture
def speech() -> Speech:
    return Speech()


async def test_a_file(speech: Speech) -> None:
    report = await speech.use.check_microphone(caller(), Clip(recording(silence(1), spoken(2), silence(1))))
    assert report.speech_seconds == pytest.approx(2, abs=0.1)
    assert Problem.NO_SPEECH not in report.problems
    assert speech.state.attempts == {}


async def test_samples_without_a_container(speech: Speech) -> None:
    report = await speech.use.check_microphone(caller(), Clip(spoken(2), Encoding.LINEAR16, 16_000))
    assert report.speech_seconds == pytest.approx(2, abs=0.1)


async def test_a_muted_microphone(speech: Speech) -> None:
    report = await speech.use.check_microphone(caller(), Clip(silence(2), Encoding.LINEAR16, 16_000))
    assert (report.verdict, report.problems) == (Verdict.UNUSABLE, (Problem.NO_SIGNAL,))
    assert report.snr_db is None


@pytest.mark.parametrize(
    ("clip", "reason"),
    [
        (Clip(bytes(LONGEST_FILE + 1)), Reason.AUDIO_TOO_LARGE),
        (Clip(bytes(2 * 8000 * 11), Encoding.LINEAR16, 8_000), Reason.AUDIO_TOO_LONG),
        (Clip(recording(silence(11))), Reason.AUDIO_TOO_LONG),
        (Clip(b"not audio"), Reason.AUDIO_UNDECODABLE),
        (Clip(bytes(2000), Encoding.LINEAR16, 4_000), Reason.AUDIO_RATE_UNSUPPORTED),
        (Clip(bytes(2000), Encoding.OPUS, 16_000), Reason.AUDIO_ENCODING_UNSUPPORTED),
    ],
)
async def test_what_is_refused(speech: Speech, clip: Clip, reason: Reason) -> None:
    with pytest.raises(ApplicationError) as caught:
        await speech.use.check_microphone(caller(), clip)
    assert caught.value.reason is reason
