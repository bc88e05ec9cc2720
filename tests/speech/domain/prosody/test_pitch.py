import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from server.speech.domain.prosody.pitch import FRAMES_A_SECOND, PitchTrack, track

RATE = 16_000


def test_a_steady_voice_has_its_pitch() -> None:
    for hertz in (70.0, 110.0, 220.0, 400.0):
        found = track(voice(np.full(RATE, hertz)), RATE).hertz
        assert len(found) == FRAMES_A_SECOND
        assert np.abs(found / hertz - 1).max() < 0.001


def test_a_glide_over_two_octaves_is_followed() -> None:
    glide = 200 * 2 ** np.linspace(-1, 1, 2 * RATE)
    found = track(voice(glide), RATE).hertz
    off = 12 * np.log2(found / glide[80::160])
    assert np.abs(off).max() < 0.1


def test_semitones_relate_to_the_median() -> None:
    octave_up = voice(np.concatenate([np.full(RATE, 120.0), np.full(RATE // 2, 240.0)]))
    found = track(octave_up, RATE)
    assert found.median == pytest.approx(120, rel=0.001)
    assert found.semitones[120] == pytest.approx(12, abs=0.05)


def test_a_voice_without_its_fundamental_keeps_its_pitch() -> None:
    # A telephone lets nothing under 300 Hz pass.
    found = track(voice(np.full(RATE, 110.0), partials=range(3, 20)), RATE).hertz
    assert np.abs(found / 110 - 1).max() < 0.01


def test_silence_hum_and_noise_have_none() -> None:
    noise = np.random.default_rng(1).standard_normal(RATE).astype(np.float32)
    for sound in (np.zeros(RATE), 0.1 * noise, 1e-4 * noise):
        assert track(sound.astype(np.float32), RATE).median is None


def test_a_voice_in_noise_keeps_its_pitch() -> None:
    clean = voice(150 * 2 ** (0.3 * np.sin(np.arange(2 * RATE) / 3000)))
    noise = np.random.default_rng(2).standard_normal(len(clean))
    noisy = clean + (noise * np.sqrt(np.mean(clean**2) / 100)).astype(np.float32)
    before, after = track(clean, RATE).hertz, track(noisy, RATE).hertz
    assert np.nanmax(np.abs(12 * np.log2(after / before))) < 0.5
    assert np.isnan(after).mean() < 0.02


def test_voiced_and_voiceless_are_told_apart() -> None:
    quiet = np.zeros(RATE // 4, np.float32)
    found = track(np.concatenate([quiet, voice(np.full(RATE // 2, 130.0)), quiet]), RATE).hertz
    assert np.isnan(found[:22]).all()
    assert not np.isnan(found[28:72]).any()
    assert np.isnan(found[78:]).all()


@settings(max_examples=25, deadline=None)
@given(hertz=st.floats(75, 420), level=st.floats(0.01, 0.9), rate=st.sampled_from([16_000, 24_000, 44_100, 48_000]))
def test_neither_level_nor_rate_matters(hertz: float, level: float, rate: int) -> None:
    found = track(np.float32(level) * voice(np.full(rate // 2, hertz), rate), rate).hertz
    off = np.abs(12 * np.log2(found / hertz))
    # At the ends half of the window is silent: there are fewer than two periods of the lowest voices in it.
    assert off[3:-3].max() < 0.1
    assert off.max() < 0.5


@given(length=st.integers(0, 1000))
def test_audio_shorter_than_a_window_is_answered(length: int) -> None:
    assert len(track(np.full(length, 0.1, np.float32), RATE).hertz) == length // 160


def test_a_rate_that_loses_high_voices_is_refused() -> None:
    with pytest.raises(ValueError, match="16000"):
        track(np.zeros(8000, np.float32), 8000)


def test_nothing_has_no_median() -> None:
    nothing = PitchTrack(np.full(5, np.nan))
    assert nothing.median is None
    assert np.isnan(nothing.semitones).all()


def voice(hertz: NDArray[np.float64], rate: int = RATE, partials: range = range(1, 12)) -> NDArray[np.float32]:
    """A buzz with these partials, falling by 6 dB an octave, under half the rate; peak 0.5."""
    phase = 2 * np.pi * np.cumsum(hertz) / rate
    sound = sum((np.sin(k * phase) / k for k in partials if k * hertz.max() < rate / 2), np.zeros(len(hertz)))
    return np.asarray(0.5 * sound / np.abs(sound).max(), np.float32)
