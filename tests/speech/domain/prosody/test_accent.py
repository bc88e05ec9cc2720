import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from server.speech.domain.prosody.accent import (
    FEATURES,
    AccentParameters,
    Melody,
    MelodyParameters,
    PhraseMelody,
    accent_features,
    judge_accents,
    nucleus_probabilities,
)

MELODY = MelodyParameters(1.5, 48.0, 0.7, 2.5, 5.0, 1.0, 20.0)
WEIGHTS = dict.fromkeys(FEATURES, 0.0) | {"fall": 1.0, "drops": -2.5}
PARAMETERS = AccentParameters(WEIGHTS, WEIGHTS | {"misfit": -1.0}, MELODY, 0.6, 0.03, 0.3, 0.003)


def spoken(morae: int, nucleus: int, range_: float = 6.0) -> NDArray[np.float64]:
    """An idealised contour: low, high, and low after the nucleus, on a slow decline."""
    high = [(i == 0 and nucleus == 1) or (i > 0 and (nucleus == 0 or i < nucleus)) for i in range(morae)]
    steps = np.repeat(np.array(high, float) * range_, 3).reshape(-1, 3)
    return steps - 0.1 * np.arange(3 * morae).reshape(-1, 3)


@pytest.mark.parametrize("nucleus", [0, 1, 2, 3])
def test_the_drop_is_heard_where_it_is(nucleus: int) -> None:
    (judged,) = judge_accents(spoken(4, nucleus), [(0, 4, (nucleus,))], None, PARAMETERS)
    assert judged is not None
    assert judged.heard == nucleus
    assert not judged.wrong
    assert judged.accepted_probability == judged.heard_probability > 0.8
    assert judged.score == 100


def test_strong_evidence_for_another_accent_is_told() -> None:
    (judged,) = judge_accents(spoken(4, 1), [(0, 4, (0,))], None, PARAMETERS)
    assert judged is not None
    assert (judged.heard, judged.wrong) == (1, True)
    assert judged.score < 50


def test_every_accepted_accent_is_right() -> None:
    (judged,) = judge_accents(spoken(4, 1), [(0, 4, (0, 1))], None, PARAMETERS)
    assert judged is not None
    assert not judged.wrong
    assert judged.score == 100


def test_a_drop_after_the_last_mora_sounds_flat() -> None:
    (judged,) = judge_accents(spoken(3, 0), [(0, 3, (3,))], None, PARAMETERS)
    assert judged is not None
    assert (judged.heard, judged.wrong) == (3, False)


def test_what_has_no_pitch_is_not_judged() -> None:
    whispered = np.full((4, 3), np.nan)
    assert judge_accents(whispered, [(0, 4, (0,))], None, PARAMETERS) == (None,)
    devoiced = spoken(3, 1)
    devoiced[:2] = np.nan
    assert judge_accents(devoiced, [(0, 3, (1,))], None, PARAMETERS) == (None,)


def test_one_mora_is_not_judged() -> None:
    contour = np.vstack([spoken(3, 1), spoken(1, 0)])
    first, second = judge_accents(contour, [(0, 3, (1,)), (3, 1, (0,))], None, PARAMETERS)
    assert first is not None
    assert second is None


def test_the_melody_of_the_reference_voice_decides_where_the_drop_is_late() -> None:
    # A voice whose peak comes a mora after the nucleus, heard at another level and with a wider range.
    curves = np.stack([spoken(5, 2), spoken(5, 3), spoken(5, 4), spoken(5, 0), spoken(5, 0)])
    melody = Melody(np.vstack([curves[1], spoken(3, 1)]), (PhraseMelody(0, curves), None))
    contour = np.vstack([1.5 * curves[1] + 7, 1.5 * spoken(3, 1)])
    first, _ = nucleus_probabilities(contour, [(0, 5), (5, 3)], melody, PARAMETERS)
    alone, _ = nucleus_probabilities(contour, [(0, 5), (5, 3)], None, PARAMETERS)
    assert first is not None
    assert alone is not None
    assert [int(first.argmax()), int(alone.argmax())] == [1, 2]


@settings(max_examples=60, deadline=None)
@given(
    level=st.floats(-20, 20),
    morae=st.integers(2, 8),
    seed=st.integers(0, 1000),
    gaps=st.floats(0, 0.5),
)
def test_probabilities_add_up_and_the_level_does_not_matter(level: float, morae: int, seed: int, gaps: float) -> None:
    random = np.random.default_rng(seed)
    contour = random.normal(0, 3, (morae + 3, 3))
    contour[random.random(contour.shape) < gaps] = np.nan
    phrases = [(0, morae), (morae, 3)]
    curves = random.normal(0, 3, (morae, morae + 2, 3))
    melody = Melody(random.normal(0, 3, contour.shape), (PhraseMelody(0, curves), None))
    here = nucleus_probabilities(contour, phrases, melody, PARAMETERS)
    there = nucleus_probabilities(contour + level, phrases, melody, PARAMETERS)
    for one, other in zip(here, there, strict=True):
        assert (one is None) == (other is None)
        if one is not None and other is not None:
            assert one.sum() == pytest.approx(1)
            assert np.abs(one - other).max() < 1e-6


@given(morae=st.integers(2, 9), first=st.integers(0, 3))
def test_every_pattern_has_every_feature(morae: int, first: int) -> None:
    contour = np.vstack([spoken(first, 1), spoken(morae, 1), spoken(2, 0)])
    phrases = [*([(0, first)] if first else []), (first, morae), (first + morae, 2)]
    for (_, count), features in zip(phrases, accent_features(contour, phrases, None, MELODY, 0.6), strict=True):
        if count > 1:
            assert features is not None
            assert features.shape == (count, len(FEATURES))
            assert np.isfinite(features).all()
