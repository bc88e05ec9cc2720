from __future__ import annotations

import asyncio
import re
from pathlib import Path

import numpy as np
import pytest

from server.adapters.engine_threads import Backlog
from server.adapters.openjtalk.synthesis import synthesize
from server.adapters.whisper.model import Context, WhisperModel
from server.adapters.whisper.recogniser import Transcriber, WhisperRecogniser
from server.adapters.whisper.vad import SileroNetwork
from server.errors import ResourceExhausted
from server.speech.ports import SAMPLE_RATE, Samples
from tests.support.recordings import made_sounds, recordings

SENTENCE = "今日はいい天気ですね。"


def calm() -> bool:
    return False


async def test_speech_becomes_text(recogniser: WhisperRecogniser) -> None:
    heard = await recogniser.final(synthesize(SENTENCE), language="ja-JP")

    assert "天気" in heard.text
    assert heard.language == "ja"
    assert heard.confidence is not None
    assert 0.3 < heard.confidence <= 1
    assert heard.languages["ja"] > 0.5
    assert recogniser.version.startswith("whisper-base-int8")


async def test_a_partial_has_what_was_said_so_far(recogniser: WhisperRecogniser) -> None:
    speech = synthesize(SENTENCE)

    heard = await recogniser.partial(lambda: speech[: int(1.4 * SAMPLE_RATE)])

    assert heard.text.startswith("今日")


@pytest.mark.parametrize("seconds", [0.0, 0.001, 0.02])
async def test_next_to_nothing_is_nothing(recogniser: WhisperRecogniser, seconds: float) -> None:
    heard = await recogniser.final(np.full(int(seconds * SAMPLE_RATE), 0.3, np.float32))

    assert (heard.text, heard.confidence, heard.language) == ("", None, "")


async def test_a_whole_window_of_speech_fits(recogniser: WhisperRecogniser) -> None:
    speech = synthesize(SENTENCE)
    window = np.resize(speech, 30 * SAMPLE_RATE)

    assert "天気" in (await recogniser.final(window)).text


async def test_more_than_the_window_is_the_callers_mistake(recogniser: WhisperRecogniser) -> None:
    with pytest.raises(ValueError, match="window"):
        await recogniser.final(np.resize(synthesize(SENTENCE), 31 * SAMPLE_RATE))


async def test_an_unknown_language_is_read_as_japanese(recogniser: WhisperRecogniser) -> None:
    assert (await recogniser.final(synthesize(SENTENCE), language="tlh")).language == "ja"


async def test_overload_is_refused_and_over_when_it_is_done(model: WhisperModel, network: SileroNetwork) -> None:
    recogniser = WhisperRecogniser(
        model, network, name="whisper-base", workers=1, backlog=Backlog(finals=1, partials=1)
    )
    speech = synthesize("はい")
    results = await asyncio.gather(*(recogniser.final(speech) for _ in range(4)), return_exceptions=True)
    after = await recogniser.final(speech)
    recogniser.close()

    refused = [result for result in results if isinstance(result, ResourceExhausted)]
    assert 1 <= len(refused) <= 3
    assert after.text


@pytest.mark.parametrize("name", sorted(made_sounds()))
def test_made_sounds_give_no_text(transcriber: Transcriber, name: str) -> None:
    sound = made_sounds()[name]

    assert transcriber.final(sound, "ja", calm).text == ""
    assert transcriber.partial(sound).text == ""


@pytest.mark.slow
def test_music_and_noise_give_no_text(transcriber: Transcriber) -> None:
    random = np.random.default_rng(5)

    def after_noise(samples: Samples) -> Samples:
        quiet = random.standard_normal(4000).astype(np.float32) * np.float32(1e-3)
        return np.concatenate([quiet, samples, quiet])

    for recording in recordings("other_audio"):
        if recording.kind not in ("music", "noise"):
            continue
        for changed in (
            recording.samples,
            recording.samples * np.float32(0.1),
            np.clip(recording.samples * 3, -1, 1),
            after_noise(recording.samples),
        ):
            assert transcriber.final(changed, "ja", calm).text == "", recording.id
            assert transcriber.partial(changed).text == "", recording.id


@pytest.mark.slow
def test_english_speech_is_never_japanese(transcriber: Transcriber) -> None:
    for recording in recordings("other_audio"):
        if recording.kind != "speech":
            continue
        heard = transcriber.final(recording.samples, "ja", calm)

        assert heard.language == "en", recording.id
        assert heard.text, recording.id
        assert heard.text.isascii(), recording.id
        assert transcriber.partial(recording.samples).text == "", recording.id


@pytest.mark.slow
def test_every_japanese_recording_gives_text(transcriber: Transcriber) -> None:
    for recording in recordings("speech"):
        heard = transcriber.final(recording.samples, "ja", calm, known=True)

        assert heard.text, recording.id
        assert heard.language == "ja", recording.id
        rate = len(heard.text) / (len(recording.samples) / SAMPLE_RATE)
        assert rate < 15, f"{recording.id} ran away: {heard.text}"


def test_the_encoder_sees_at_least_a_thousand_frames(model: WhisperModel) -> None:
    context = Context()

    short = model.encode(np.zeros(SAMPLE_RATE, np.float32), context)
    long = model.encode(np.zeros(20 * SAMPLE_RATE, np.float32), context)
    longest = model.encode(np.zeros(30 * SAMPLE_RATE, np.float32), context)

    assert [encoded.output.shape[1] for encoded in (short, long, longest)] == [500, 1050, 1500]


def test_weights_that_are_none_fail_clearly(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError):
        WhisperModel(tmp_path, device="cpu", compute_type="default", threads=1, workers=1)


@pytest.mark.slow
def test_japanese_is_taken_for_english_only_where_it_is_written_so_anyhow(transcriber: Transcriber) -> None:
    japanese = re.compile("[\u3041-\u30ff\u4e00-\u9fff]")
    for recording in recordings("speech"):
        free = transcriber.final(recording.samples, "ja", calm)
        if free.language != "ja":
            read = transcriber.final(recording.samples, "ja", calm, known=True)
            assert not japanese.search(read.text), f"{recording.id}: {read.text} became {free.text}"
