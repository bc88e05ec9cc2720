"""Cards are counted once each, and wait for their day."""

from __future__ import annotations

from datetime import date, timedelta

from server.learning.domain.card import Skill, State
from server.learning.domain.progress import (
    CardCounts,
    CardGroup,
    DueCards,
    ForecastDay,
    count_cards,
    count_cards_by,
    forecast,
)

MONDAY = date(2026, 11, 23)


def group(
    state: State, count: int, *, mature: bool = False, suspended: bool = False, skill: Skill = Skill.READING
) -> CardGroup:
    return CardGroup(skill, state, mature, suspended, 3, 5, count, 1, 0)


def day(number: int) -> date:
    return MONDAY + timedelta(days=number)


def test_every_card_stands_in_one_place() -> None:
    counts = count_cards(
        [
            group(State.NEW, 1),
            group(State.LEARNING, 2),
            group(State.REVIEW, 3),
            group(State.REVIEW, 4, mature=True),
            group(State.RELEARNING, 5),
            group(State.REVIEW, 6, mature=True, suspended=True),
        ]
    )

    assert counts == CardCounts(21, 1, 2, 3, 4, 5, 6, buried=6, leeches=0)


def test_cards_are_counted_apart() -> None:
    groups = [group(State.NEW, 1), group(State.NEW, 2, skill=Skill.SPEAKING), group(State.LEARNING, 4)]

    assert {skill: counts.total for skill, counts in count_cards_by(groups, lambda each: each.skill).items()} == {
        Skill.READING: 5,
        Skill.SPEAKING: 2,
    }


def test_today_has_what_is_overdue() -> None:
    due = [
        DueCards(day(-3), State.REVIEW, True, 2),
        DueCards(day(-1), State.RELEARNING, False, 1),
        DueCards(day(0), State.REVIEW, False, 4),
        DueCards(day(2), State.REVIEW, False, 8),
        DueCards(day(3), State.REVIEW, False, 16),
    ]

    made = forecast(MONDAY, 3, due, lambda _: False, timedelta(seconds=10))

    assert made.overdue == 2
    assert made.days == (
        ForecastDay(day(0), 4, 2, 1, timedelta(seconds=70)),
        ForecastDay(day(1), 0, 0, 0, timedelta(0)),
        ForecastDay(day(2), 8, 0, 0, timedelta(seconds=80)),
    )


def test_a_vacation_has_nothing_and_the_day_after_has_it_all() -> None:
    due = [DueCards(day(-1), State.REVIEW, False, 1), DueCards(day(1), State.LEARNING, False, 2)]

    made = forecast(MONDAY, 4, due, lambda each: each <= day(1), None)

    assert [each.cards for each in made.days] == [0, 0, 3, 0]
    assert made.overdue == 0
    assert made.days[2].expected_time is None


def test_a_vacation_without_an_end_has_nothing() -> None:
    made = forecast(MONDAY, 3, [DueCards(day(1), State.REVIEW, False, 1)], lambda _: True, None)

    assert sum(each.cards for each in made.days) == 0
