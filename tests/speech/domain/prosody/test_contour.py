import numpy as np

from server.speech.domain.alignment import Alignment
from server.speech.domain.pronunciation import spelled_pronunciation
from server.speech.domain.prosody.contour import mora_pitch, rhyme_pitch
from server.speech.domain.prosody.pitch import PitchTrack
from server.speech.domain.reference import ReadWord, TextSpan, build_reference


def test_each_third_has_its_median() -> None:
    rising = PitchTrack(100 * 2 ** (np.arange(60) / 120))
    found = mora_pitch(rising, np.array([0.0, 0.3]), np.array([0.3, 0.6]))
    expected = (np.array([4.5, 14.5, 24.5, 34.5, 44.5, 54.5]) - 29.5) / 10
    assert np.abs(found.ravel() - expected).max() < 1e-3


def test_a_third_without_pitch_is_unknown() -> None:
    half = PitchTrack(np.where(np.arange(30) < 15, 120.0, np.nan))
    found = mora_pitch(half, np.array([0.0]), np.array([0.3]))
    assert np.isnan(found[0]).tolist() == [False, False, True]


def test_a_mora_beyond_the_recording_is_unknown() -> None:
    assert np.isnan(mora_pitch(PitchTrack(np.full(10, 100.0)), np.array([0.2]), np.array([0.3]))).all()


def test_vowels_carry_the_pitch_and_geminates_have_none() -> None:
    reference = build_reference("きって", [ReadWord("きって", TextSpan(0, 3), "キッテ")])
    pronunciation = spelled_pronunciation(reference)
    onsets = np.array([0, 10, 20, 30, 40, 50, 60])
    alignment = Alignment(onsets, np.array([10, 20, 30, 40, 50, 60, 70]), (), 0.0)
    # High in the vowels, low in the consonants.
    hertz = np.full(70, 100.0)
    hertz[20:30] = hertz[50:60] = 200.0
    found = rhyme_pitch(PitchTrack(hertz), pronunciation, alignment)
    assert np.abs(found[[0, 2]] - 12).max() < 1e-9
    assert np.isnan(found[1]).all()
