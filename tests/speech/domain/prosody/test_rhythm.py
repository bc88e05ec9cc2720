import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.speech.domain.prosody.rhythm import FluencyParameters, Rhythm, fluency_score, measure_rhythm

PARAMETERS = FluencyParameters(0.15, 5, 6.0, 0.5, (4.0, 8.0, 2.0, 2.0), 4.0)


def reading(morae: int, seconds: float, pauses: dict[int, float], *, expected: bool = False) -> Rhythm:
    """Morae of the same length, with pauses after some."""
    gaps = np.array([pauses.get(mora, 0.0) for mora in range(morae)])
    ends = np.cumsum(np.full(morae, seconds) + np.concatenate([[0.0], gaps[:-1]]))
    found = measure_rhythm(ends - seconds, ends, [expected] * morae, PARAMETERS.shortest_pause)
    assert found is not None
    return found


def test_rates_and_pauses_are_measured() -> None:
    found = reading(10, 0.15, {3: 0.5, 6: 0.1})
    assert found.speech_duration == pytest.approx(2.1)
    assert [(pause.after_mora, round(pause.duration, 3)) for pause in found.pauses] == [(3, 0.5)]
    assert found.morae_per_second == pytest.approx(10 / 2.1)
    assert found.articulation_rate == pytest.approx(10 / 1.6)
    assert found.pause_ratio == pytest.approx(0.5 / 2.1)


def test_nothing_said_has_no_rhythm() -> None:
    assert measure_rhythm(np.zeros(0), np.zeros(0), [], 0.15) is None


def test_a_word_is_too_short_to_be_fluent() -> None:
    assert fluency_score(reading(4, 0.15, {}), PARAMETERS) is None


def test_a_pause_where_one_may_pause_costs_nothing_unless_it_is_long() -> None:
    fluent = fluency_score(reading(12, 0.14, {}), PARAMETERS)
    paused = fluency_score(reading(12, 0.14, {5: 0.4}, expected=True), PARAMETERS)
    long = fluency_score(reading(12, 0.14, {5: 1.4}, expected=True), PARAMETERS)
    inside = fluency_score(reading(12, 0.14, {5: 0.4}), PARAMETERS)
    assert fluent is not None
    assert paused == fluent
    assert long is not None
    assert inside is not None
    assert max(long, inside) < fluent


@given(
    morae=st.integers(6, 30),
    seconds=st.floats(0.08, 0.4),
    after=st.integers(0, 4),
    pause=st.floats(0.16, 2.0),
    slower=st.floats(1.0, 2.0),
)
def test_neither_another_break_nor_a_slower_rate_raises_the_score(
    morae: int, seconds: float, after: int, pause: float, slower: float
) -> None:
    before = fluency_score(reading(morae, seconds, {}), PARAMETERS)
    assert before is not None
    for worse in (reading(morae, seconds, {after: pause}), reading(morae, seconds * slower, {})):
        after_that = fluency_score(worse, PARAMETERS)
        assert after_that is not None
        assert 0 <= after_that <= before + 1e-9
        assert before <= 100
