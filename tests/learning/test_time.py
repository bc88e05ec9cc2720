"""The learner's days: zones, both changes of daylight saving, a leap day, days that turn at any hour."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from google.type.date_pb2 import Date
from hypothesis import given, settings
from hypothesis import strategies as st

from server.learning.domain.days import LearnerDays
from server.learning.domain.settings import Vacation, due_day_after
from tests.support.learning import EASY, GOOD, Study, moment

ZONES = [
    "UTC",
    "America/New_York",
    "Europe/Berlin",
    "Asia/Tokyo",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Asia/Kolkata",
]


@pytest.mark.parametrize(
    ("zone", "hour", "day", "starts", "hours"),
    [
        # Spring: the clock leaps from 2 to 3, within the day that began the morning before.
        ("America/New_York", 4, date(2026, 3, 7), "2026-03-07T09:00Z", 23),
        ("America/New_York", 4, date(2026, 3, 8), "2026-03-08T08:00Z", 24),
        # Autumn: 1 o'clock comes twice.
        ("America/New_York", 4, date(2026, 10, 31), "2026-10-31T08:00Z", 25),
        ("Europe/Berlin", 0, date(2026, 3, 29), "2026-03-28T23:00Z", 23),
        ("Europe/Berlin", 0, date(2026, 10, 25), "2026-10-24T22:00Z", 25),
        # The hour of the turn is leapt over: the day begins with the leap.
        ("America/New_York", 2, date(2026, 3, 8), "2026-03-08T07:00Z", 23),
        # The hour of the turn comes twice: the day begins with the first.
        ("America/New_York", 1, date(2026, 11, 1), "2026-11-01T05:00Z", 25),
        # Half an hour of daylight saving.
        ("Australia/Lord_Howe", 4, date(2026, 4, 4), "2026-04-03T17:00Z", 24.5),
        # A day that the zone skipped.
        ("Pacific/Apia", 4, date(2011, 12, 30), "2011-12-30T14:00Z", 0),
        ("UTC", 4, date(2028, 2, 29), "2028-02-29T04:00Z", 24),
    ],
)
def test_a_day_begins_and_lasts_as_the_clock_on_the_wall_says(
    zone: str, hour: int, day: date, starts: str, hours: float
) -> None:
    days = LearnerDays(zone, hour)
    assert days.start_of(day) == datetime.fromisoformat(starts)
    assert days.end_of(day) - days.start_of(day) == timedelta(hours=hours)


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(ZONES),
    st.integers(0, 23),
    st.datetimes(datetime(2005, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
)
def test_every_moment_is_in_exactly_one_day(zone: str, hour: int, at: datetime) -> None:
    days = LearnerDays(zone, hour)
    day = days.day_of(at)
    assert days.start_of(day) <= at < days.end_of(day)
    assert days.day_of(days.start_of(day)) == day
    assert days.day_of(at + timedelta(microseconds=1)) in (day, day + timedelta(days=1), day + timedelta(days=2))


def test_the_days_of_vacations_do_not_count() -> None:
    def day(number: int) -> date:
        return date(2026, 1, 1) + timedelta(days=number)

    first, second = Vacation(day(10), day(14)), Vacation(day(20), day(21))
    assert due_day_after(day(9), day(0), [first, second]) == day(9)
    assert due_day_after(day(10), day(0), [first, second]) == day(15)
    assert due_day_after(day(16), day(0), [first, second]) == day(23)
    # Answered within the vacation: only what is left of it.
    assert due_day_after(day(13), day(12), [first, second]) == day(15)
    assert due_day_after(day(30), day(22), [first, second]) == day(30)
    assert due_day_after(day(30), day(22), [Vacation(day(25))]) == day(30)


async def test_a_learner_who_travels_studies_by_the_day_where_they_are(study: Study) -> None:
    """From Tokyo over New York's spring and autumn to a leap day in Berlin."""
    study.clock.at = datetime(2027, 3, 12, 22, tzinfo=ZoneInfo("Asia/Tokyo")).astimezone(UTC)
    await study.move_to("Asia/Tokyo")
    await study.set(fuzz_enabled=False, learning_steps=[], new_cards_per_day=2)
    cards = await study.add_cards(12)
    assert len((await study.queue()).cards) == 2
    first = (await study.review(cards[0].id, GOOD)).card
    assert first.due_day == Date(year=2027, month=3, day=14)

    # The same moment is the morning of the 12th in New York: the due day stays, its time follows.
    study.clock.advance(timedelta(minutes=1))
    await study.move_to("America/New_York")
    moved = await study.card(cards[0].id)
    assert moved.due_day == first.due_day
    # On the 14th the clock leaps at 2; 4 o'clock is 8 UTC.
    assert moment(moved.due_time) == datetime(2027, 3, 14, 8, tzinfo=UTC)

    study.clock.at = datetime(2027, 3, 14, 7, 59, tzinfo=UTC)
    queue = await study.queue()
    assert queue.day == Date(year=2027, month=3, day=13)
    assert queue.counts.due_reviews == 0
    assert (queue.counts.new_cards, queue.counts.held_back_new_cards) == (2, 9)
    assert moment(queue.day_end_time) == datetime(2027, 3, 14, 8, tzinfo=UTC)
    for card in cards[1:3]:
        await study.review(card.id, EASY)
    assert (await study.queue()).counts.new_cards == 0
    study.clock.advance(timedelta(minutes=1))
    queue = await study.queue()
    assert queue.day == Date(year=2027, month=3, day=14)
    assert (queue.counts.due_reviews, queue.counts.new_cards) == (1, 2)

    # Autumn: the day of November 6 has 25 hours, and one limit.
    await study.review(cards[3].id, EASY, study.clock.now())
    start = datetime(2027, 11, 6, 4, tzinfo=ZoneInfo("America/New_York")).astimezone(UTC)
    study.clock.at = start
    for number in range(2):
        await study.review(cards[4 + number].id, EASY)
        study.clock.advance(timedelta(hours=12))
    assert (await study.queue()).day == Date(year=2027, month=11, day=6)
    assert (await study.queue()).counts.new_cards == 0
    study.clock.at = start + timedelta(hours=25)
    assert (await study.queue()).day == Date(year=2027, month=11, day=7)
    assert (await study.queue()).counts.new_cards == 2

    # A leap day counts as one.
    await study.move_to("Europe/Berlin")
    study.clock.at = datetime(2028, 2, 28, 12, tzinfo=UTC)
    due = (await study.review(cards[6].id, GOOD)).card
    assert due.due_day == Date(year=2028, month=3, day=1)
    study.clock.at = datetime(2028, 2, 29, 12, tzinfo=UTC)
    assert (await study.queue()).day == Date(year=2028, month=2, day=29)
    study.clock.at = datetime(2028, 3, 1, 12, tzinfo=UTC)
    before = (await study.queue()).counts.due_reviews
    given_days = (await study.review(cards[6].id, GOOD)).review
    assert given_days.given.state_before == given_days.given.state_after
    assert (await study.queue()).counts.due_reviews == before - 1
    await study.check_replay()


async def test_an_answer_from_before_the_journey_counts_by_the_day_it_was_given_on(study: Study) -> None:
    await study.move_to("Asia/Tokyo")
    await study.set(fuzz_enabled=False, learning_steps=[])
    (card,) = await study.add_cards()
    # 3 in the morning of the 25th in Tokyo is still the 24th of the learner.
    study.clock.at = datetime(2026, 11, 25, 20, tzinfo=UTC)
    late = study.submission(card.id, GOOD, datetime(2026, 11, 24, 18, tzinfo=UTC))
    await study.move_to("America/New_York")
    assert (await study.submit(late)).card.due_day == Date(year=2026, month=11, day=26)
    await study.check_replay()
