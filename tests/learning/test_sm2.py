"""Modified SM-2: ease and intervals."""

from __future__ import annotations

import pytest

from server.learning.domain.card import NO_MEMORY, Memory, State
from server.learning.domain.review import Rating
from server.learning.domain.sm2 import Sm2

SM2 = Sm2(2.5, 1, 4, 36500)


@pytest.mark.parametrize(
    ("rating", "elapsed", "days", "ease"),
    [
        # On time, from 10 days: 1.2 times, the ease, the ease and 1.3.
        (Rating.AGAIN, 10, 1, 2.3),
        (Rating.HARD, 10, 12, 2.35),
        (Rating.GOOD, 10, 25, 2.5),
        (Rating.EASY, 10, 33, 2.65),
        # Ten days late: half of it counts with GOOD, all of it with EASY.
        (Rating.GOOD, 20, 38, 2.5),
        (Rating.EASY, 20, 65, 2.65),
        # Early: what has passed counts, and with GOOD it does not shrink.
        (Rating.HARD, 2, 6, 2.35),
        (Rating.GOOD, 2, 10, 2.5),
        (Rating.GOOD, 8, 20, 2.5),
        (Rating.EASY, 2, 12, 2.65),
    ],
)
def test_a_graduated_card(rating: Rating, elapsed: int, days: int, ease: float) -> None:
    recall = SM2.answer(Memory(ease=2.5), State.REVIEW, rating, elapsed, 10)
    assert recall.days == days
    assert recall.memory.ease == pytest.approx(ease)
    assert recall.retrievability is None


def test_the_ease_does_not_fall_below_its_least() -> None:
    memory = Memory(ease=1.4)
    for _ in range(3):
        memory = SM2.answer(memory, State.REVIEW, Rating.AGAIN, 1, 1).memory
    assert memory.ease == 1.3


def test_a_better_answer_never_gives_less() -> None:
    for days in range(1, 50):
        for elapsed in (0, days // 2, days, 2 * days):
            given = [SM2.answer(Memory(ease=1.3), State.REVIEW, rating, elapsed, days).days for rating in Rating]
            assert given == sorted(given)


@pytest.mark.parametrize(
    ("state", "rating", "days"),
    [
        (State.NEW, Rating.EASY, 4),
        (State.LEARNING, Rating.GOOD, 1),
        (State.RELEARNING, Rating.GOOD, 1),
        (State.RELEARNING, Rating.EASY, 2),
    ],
)
def test_cards_graduate_with_the_intervals_of_the_settings(state: State, rating: Rating, days: int) -> None:
    recall = SM2.answer(NO_MEMORY, state, rating, 0, 0)
    assert (recall.days, recall.memory.ease) == (days, 2.5)


def test_the_longest_interval_is_never_passed() -> None:
    assert Sm2(5, 30, 60, 20).answer(Memory(ease=5.0), State.REVIEW, Rating.EASY, 400, 20).days == 20
    assert Sm2(5, 30, 60, 20).answer(NO_MEMORY, State.NEW, Rating.EASY, 0, 0).days == 20
