"""The figures of study: sums over answers, so that they are kept by adding what a change of the log brought and taking
away what it removed, and equal what a replay of the whole log adds up to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import date, timedelta
from enum import StrEnum
from functools import reduce
from typing import TypeAlias

from server.learning.domain.card import MATURE_DAYS, Skill, State
from server.learning.domain.review import AnswerEffect, Rating, ReviewKind

HOURS = 24
_MATURE = timedelta(days=MATURE_DAYS)


class Material(StrEnum):
    """What a card was to its answer."""

    LEARNING = "learning"
    YOUNG = "young"
    MATURE = "mature"
    RELEARNING = "relearning"
    FILTERED = "filtered"


MATERIALS = tuple(Material)
RATINGS = tuple(Rating)
BUTTONS = len(MATERIALS) * len(RATINGS)

DayAndSkill: TypeAlias = tuple[date, Skill]
"""What figures are kept by: the learner's day, and what the cards train."""


@dataclass(frozen=True, slots=True)
class Retention:
    """How much was remembered.

    Attributes:
        answers: how many there were.
        correct: of them, those remembered.
    """

    answers: int = 0
    correct: int = 0

    @property
    def rate(self) -> float | None:
        """Correct over all, 0 to 1; None where there was no answer."""
        return self.correct / self.answers if self.answers else None

    def __add__(self, other: Retention) -> Retention:
        return Retention(self.answers + other.answers, self.correct + other.correct)


@dataclass(frozen=True, slots=True)
class Figures:
    """What answers amount to; a difference of two can have negative ones.

    Attributes:
        cards_reviewed: different cards answered on a day; of several days, the sum.
        cards_learned: cards that became mature.
        new_cards_introduced: cards that got their first answer.
        cards_graduated: cards that passed their learning steps.
        timed_answers: answers whose time was measured.
        studied_ms: the sum of those times, each at most 60 s.
        buttons: answers by `MATERIALS` and, within each, by `RATINGS`.
        hour_answers, hour_correct: answers, and correct ones, by the hour of the learner's clock.
    """

    cards_reviewed: int = 0
    cards_learned: int = 0
    new_cards_introduced: int = 0
    cards_graduated: int = 0
    timed_answers: int = 0
    studied_ms: int = 0
    buttons: tuple[int, ...] = (0,) * BUTTONS
    hour_answers: tuple[int, ...] = (0,) * HOURS
    hour_correct: tuple[int, ...] = (0,) * HOURS

    def __add__(self, other: Figures) -> Figures:
        return self._combined(other, 1)

    def __sub__(self, other: Figures) -> Figures:
        return self._combined(other, -1)

    def _combined(self, other: Figures, sign: int) -> Figures:
        counts = (getattr(self, name) + sign * getattr(other, name) for name in COUNTS)
        rows = (
            tuple(mine + sign * its for mine, its in zip(getattr(self, name), getattr(other, name), strict=True))
            for name in ROWS
        )
        return Figures(*counts, *rows)

    @property
    def shrinks(self) -> bool:
        """Whether any figure is negative."""
        rows = (figure for name in ROWS for figure in getattr(self, name))
        return any(figure < 0 for figure in (*(getattr(self, name) for name in COUNTS), *rows))

    @property
    def answers(self) -> int:
        """All answers."""
        return sum(self.buttons)

    def ratings(self, *materials: Material) -> dict[Rating, int]:
        """Answers by rating, to these materials; none named: to all."""
        rows = [self._row(material) for material in materials or MATERIALS]
        return {rating: sum(row[index] for row in rows) for index, rating in enumerate(RATINGS)}

    def retention(self, *materials: Material) -> Retention:
        """How much was remembered of these materials."""
        ratings = self.ratings(*materials)
        answers = sum(ratings.values())
        return Retention(answers, answers - ratings[Rating.AGAIN])

    @property
    def accuracy(self) -> float | None:
        """Correct answers over all, practice without rescheduling too, 0 to 1; None where there was none."""
        return self.retention().rate

    @property
    def true_retention(self) -> Retention:
        """How much was remembered of graduated cards."""
        return self.retention(Material.YOUNG, Material.MATURE)

    @property
    def time_studied(self) -> timedelta:
        """The sum of the times taken."""
        return timedelta(milliseconds=self.studied_ms)

    @property
    def average_response_time(self) -> timedelta | None:
        """The mean time taken; None where none was measured."""
        return self.time_studied / self.timed_answers if self.timed_answers else None

    def _row(self, material: Material) -> tuple[int, ...]:
        start = _ROW_OF[material]
        return self.buttons[start : start + len(RATINGS)]


COUNTS = tuple(each.name for each in fields(Figures) if each.default == 0)
ROWS = tuple(each.name for each in fields(Figures) if each.default != 0)


def material(effect: AnswerEffect) -> Material:
    """What the card was to an answer."""
    match effect.kind:
        case ReviewKind.LEARNING:
            return Material.LEARNING
        case ReviewKind.RELEARNING:
            return Material.RELEARNING
        case ReviewKind.FILTERED:
            return Material.FILTERED
        case _:
            return Material.MATURE if _is_mature(effect.state_before, effect.interval_before) else Material.YOUNG


def tally(effects: Iterable[AnswerEffect]) -> dict[DayAndSkill, Figures]:
    """The figures of every day and skill that has an answer."""
    found: defaultdict[DayAndSkill, _Sums] = defaultdict(_Sums)
    for effect in effects:
        found[effect.day, effect.skill].add(effect)
    return {key: sums.figures() for key, sums in found.items()}


def difference(removed: Iterable[AnswerEffect], added: Iterable[AnswerEffect]) -> Mapping[DayAndSkill, Figures]:
    """What a change of the log changes in the figures; days and skills that it leaves as they are are left out."""
    before, after = tally(removed), tally(added)
    nothing = Figures()
    changes = {key: after.get(key, nothing) - before.get(key, nothing) for key in before.keys() | after.keys()}
    return {key: change for key, change in changes.items() if change != nothing}


def total(figures: Iterable[Figures]) -> Figures:
    """The sum."""
    return reduce(Figures.__add__, figures, Figures())


class _Sums:
    """Figures while they are summed up: a long log adds up hundreds of thousands of answers."""

    def __init__(self) -> None:
        self._counts = dict.fromkeys(COUNTS, 0)
        self._buttons = [0] * BUTTONS
        self._answers = [0] * HOURS
        self._correct = [0] * HOURS

    def add(self, effect: AnswerEffect) -> None:
        """Adds one answer."""
        counts = self._counts
        scheduled = effect.kind is not ReviewKind.FILTERED
        after, before = (
            _is_mature(effect.state_after, effect.interval_after),
            _is_mature(effect.state_before, effect.interval_before),
        )
        counts["cards_reviewed"] += effect.first_of_day
        counts["cards_learned"] += scheduled and after and not before
        counts["new_cards_introduced"] += effect.first_ever
        counts["cards_graduated"] += effect.kind is ReviewKind.LEARNING and effect.state_after is State.REVIEW
        if effect.time_taken is not None:
            counts["timed_answers"] += 1
            counts["studied_ms"] += effect.time_taken // timedelta(milliseconds=1)
        self._buttons[_ROW_OF[material(effect)] + effect.rating - 1] += 1
        self._answers[effect.hour] += 1
        self._correct[effect.hour] += effect.rating.correct

    def figures(self) -> Figures:
        """What it has come to."""
        return Figures(
            **self._counts,
            buttons=tuple(self._buttons),
            hour_answers=tuple(self._answers),
            hour_correct=tuple(self._correct),
        )


_ROW_OF = {each: index * len(RATINGS) for index, each in enumerate(MATERIALS)}


def _is_mature(state: State, interval: timedelta | None) -> bool:
    return state is State.REVIEW and interval is not None and interval >= _MATURE
