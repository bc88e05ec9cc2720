"""A learner walks through time zones, both changes of daylight saving, a leap day and the date line."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from kaiwa.learning.v1 import learning_service_pb2 as pb
from kaiwa.learning.v1 import settings_pb2, statistics_pb2
from server.learning.recompute_statistics import RecomputeStatistics
from tests.learning.test_get_daily_stats import wire
from tests.support.learning import GOOD, MIKA, OF_MIKA, Study, moment


async def today(study: Study) -> pb.GetProgressResponse:
    return await study.stub.GetProgress(pb.GetProgressRequest(), metadata=OF_MIKA)


def local(year: int, month: int, day: int, hour: int, minute: int, zone: str) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=ZoneInfo(zone)).astimezone(UTC)


async def answer(study: Study, card_id: str, at: datetime) -> pb.GetProgressResponse:
    """Answers at a time that the clock has not passed yet, and tells the progress just after."""
    study.clock.at = at
    await study.review(card_id, GOOD)
    return await today(study)


async def at_home(study: Study, zone: str, before: datetime, turn_hour: int = 4) -> str:
    study.clock.at = before
    await study.move_to(zone, turn_hour)
    (card,) = await study.add_cards()
    await study.set(new_cards_per_day=9999, reviews_per_day=9999)
    return card.id


async def check_days(study: Study, answers: dict[date, int]) -> None:
    """Every day from the first to the last has its answers, and the kept figures are those of the log."""
    request = pb.GetDailyStatsRequest(first_day=wire(min(answers)), last_day=wire(max(answers)))
    days = (await study.stub.GetDailyStats(request, metadata=OF_MIKA)).days
    found = {date(each.day.year, each.day.month, each.day.day): each.answers for each in days}
    assert {day: count for day, count in found.items() if count} == {day: n for day, n in answers.items() if n}
    assert not await RecomputeStatistics(study.unit_of_work, study.clock)(MIKA)


async def test_the_day_turns_at_the_learners_hour(study: Study) -> None:
    tokyo = "Asia/Tokyo"
    card = await at_home(study, tokyo, local(2028, 2, 20, 12, 0, tokyo))

    found = await answer(study, card, local(2028, 2, 21, 3, 59, tokyo))
    assert (found.today.day, found.streak.current_days) == (wire(date(2028, 2, 20)), 1)
    found = await answer(study, card, local(2028, 2, 21, 4, 0, tokyo))
    assert (found.today.day, found.streak.current_days) == (wire(date(2028, 2, 21)), 2)
    await check_days(study, {date(2028, 2, 20): 1, date(2028, 2, 21): 1})


async def test_a_leap_day_is_a_day(study: Study) -> None:
    tokyo = "Asia/Tokyo"
    card = await at_home(study, tokyo, local(2028, 2, 27, 12, 0, tokyo))
    days = [date(2028, 2, 28), date(2028, 2, 29), date(2028, 3, 1)]

    for streak, day in enumerate(days, start=1):
        found = await answer(study, card, local(day.year, day.month, day.day, 20, 0, tokyo))
        assert (found.today.day, found.streak.current_days, found.today.answers) == (wire(day), streak, 1)

    study.clock.at = local(2029, 3, 1, 20, 0, tokyo)
    assert (await today(study)).streak.best_days == 3
    study.clock.at = local(2028, 3, 1, 21, 0, tokyo)
    await check_days(study, dict.fromkeys(days, 1))


@pytest.mark.parametrize(
    ("sunday", "hours"),
    # In Berlin the clock leaps from 2 to 3 on the one day, and shows 2 to 3 twice on the other.
    [(date(2028, 3, 26), 23), (date(2028, 10, 29), 25)],
)
async def test_changes_of_daylight_saving(study: Study, sunday: date, hours: int) -> None:
    berlin, day = "Europe/Berlin", timedelta(days=1)
    saturday, monday = sunday - day, sunday + day
    card = await at_home(study, berlin, local(saturday.year, saturday.month, saturday.day, 5, 0, berlin))

    # The Saturday of study lasts until 4 on Sunday, and is the shorter or longer one.
    begins = local(saturday.year, saturday.month, saturday.day, 4, 0, berlin)
    turn = local(sunday.year, sunday.month, sunday.day, 4, 0, berlin)
    assert turn - begins == timedelta(hours=hours)
    found = await answer(study, card, turn - timedelta(microseconds=1))
    assert (found.today.day, found.streak.current_days) == (wire(saturday), 1)
    found = await answer(study, card, turn)
    assert (found.today.day, found.streak.current_days) == (wire(sunday), 2)
    found = await answer(study, card, turn + day - timedelta(minutes=1))
    assert (found.today.day, found.streak.current_days) == (wire(sunday), 2)
    found = await answer(study, card, turn + day)
    assert (found.today.day, found.streak.current_days) == (wire(monday), 3)
    assert moment((await study.queue()).day_end_time) == turn + 2 * day
    await check_days(study, {saturday: 1, sunday: 2, monday: 1})


async def test_a_card_is_due_when_its_day_begins_whatever_the_clocks_do(study: Study) -> None:
    berlin = "Europe/Berlin"
    card = await at_home(study, berlin, local(2028, 3, 24, 12, 0, berlin))
    graduated = await study.graduate(card)
    due = date(graduated.due_day.year, graduated.due_day.month, graduated.due_day.day)
    begins = local(due.year, due.month, due.day, 4, 0, berlin)
    assert moment(graduated.due_time) == begins

    study.clock.at = begins - timedelta(microseconds=1)
    assert (await today(study)).waiting.due_reviews == 0
    study.clock.at = begins
    assert (await today(study)).waiting.due_reviews == 1


async def test_moving_east_and_west(study: Study) -> None:
    tokyo, berlin, los_angeles = "Asia/Tokyo", "Europe/Berlin", "America/Los_Angeles"
    card = await at_home(study, tokyo, local(2028, 5, 1, 9, 0, tokyo))
    await answer(study, card, local(2028, 5, 1, 21, 0, tokyo))
    await answer(study, card, local(2028, 5, 2, 8, 0, tokyo))

    # West: the second of May goes on, and lasts 39 hours.
    study.clock.at = local(2028, 5, 2, 12, 0, tokyo)
    await study.move_to(berlin)
    found = await answer(study, card, local(2028, 5, 3, 3, 0, berlin))
    assert (found.today.day, found.today.answers, found.streak.current_days) == (wire(date(2028, 5, 2)), 2, 2)
    found = await answer(study, card, local(2028, 5, 3, 4, 0, berlin))
    assert (found.today.day, found.streak.current_days) == (wire(date(2028, 5, 3)), 3)

    # Further west, back into the day before; then east again, into the day after.
    study.clock.at = local(2028, 5, 3, 5, 0, berlin)
    await study.move_to(los_angeles)
    found = await answer(study, card, local(2028, 5, 2, 20, 30, los_angeles))
    assert (found.today.day, found.today.answers, found.streak.current_days) == (wire(date(2028, 5, 2)), 3, 2)
    study.clock.at = local(2028, 5, 3, 22, 0, los_angeles)
    await study.move_to(tokyo)
    found = await answer(study, card, local(2028, 5, 4, 15, 0, tokyo))
    assert (found.today.day, found.streak.current_days) == (wire(date(2028, 5, 4)), 4)
    await check_days(study, {date(2028, 5, 1): 1, date(2028, 5, 2): 3, date(2028, 5, 3): 1, date(2028, 5, 4): 1})


async def test_a_day_that_the_date_line_took_breaks_no_streak(study: Study) -> None:
    pago_pago, kiritimati = "Pacific/Pago_Pago", "Pacific/Kiritimati"
    card = await at_home(study, pago_pago, local(2028, 6, 1, 9, 0, pago_pago), turn_hour=0)
    await answer(study, card, local(2028, 6, 1, 23, 30, pago_pago))

    # An hour later it is the third there.
    study.clock.at = local(2028, 6, 1, 23, 45, pago_pago)
    await study.move_to(kiritimati, 0)
    found = await answer(study, card, local(2028, 6, 3, 1, 0, kiritimati))

    assert (found.today.day, found.streak.current_days) == (wire(date(2028, 6, 3)), 2)
    await check_days(study, {date(2028, 6, 1): 1, date(2028, 6, 2): 0, date(2028, 6, 3): 1})


async def test_reviews_that_arrive_late_count_on_the_day_and_in_the_zone_of_their_time(study: Study) -> None:
    tokyo, new_york = "Asia/Tokyo", "America/New_York"
    card = await at_home(study, tokyo, local(2028, 7, 1, 9, 0, tokyo))
    study.clock.at = local(2028, 7, 3, 9, 0, tokyo)
    await study.move_to(new_york)
    study.clock.at = local(2028, 7, 3, 9, 0, new_york)

    # 1:00 on the third in Tokyo was the second there; in New York it was noon of the second.
    await study.review(card, GOOD, local(2028, 7, 3, 1, 0, tokyo))
    await study.review(card, GOOD, local(2028, 7, 3, 5, 0, tokyo))
    await study.review(card, GOOD)

    await check_days(study, {date(2028, 7, 2): 1, date(2028, 7, 3): 2})
    stats = await study.stub.GetStats(pb.GetStatsRequest(), metadata=OF_MIKA)
    assert [hour.hour for hour in stats.hours if hour.answers] == [1, 5, 9]


async def test_a_vacation_over_a_change_of_daylight_saving_keeps_the_streak(study: Study) -> None:
    berlin = "Europe/Berlin"
    card = await at_home(study, berlin, local(2028, 3, 24, 9, 0, berlin))
    await answer(study, card, local(2028, 3, 24, 10, 0, berlin))
    vacation = settings_pb2.Vacation(first_day=wire(date(2028, 3, 25)), last_day=wire(date(2028, 3, 28)))
    await study.set(vacation=vacation)

    study.clock.at = local(2028, 3, 27, 10, 0, berlin)
    assert (await today(study)).streak == statistics_pb2.StudyStreak(
        current_days=1, best_days=1, last_study_day=wire(date(2028, 3, 24))
    )
    found = await answer(study, card, local(2028, 3, 29, 10, 0, berlin))
    assert (found.streak.current_days, found.streak.best_days) == (2, 2)


async def test_the_limits_of_the_day_begin_anew_with_it(study: Study) -> None:
    berlin = "Europe/Berlin"
    await at_home(study, berlin, local(2028, 3, 25, 9, 0, berlin))
    cards = await study.add_cards(6)
    await study.set(new_cards_per_day=2)
    for card in cards[:2]:
        await answer(study, card.id, local(2028, 3, 26, 3, 30, berlin))

    assert (await today(study)).waiting.new_cards == 0
    study.clock.at = local(2028, 3, 26, 4, 0, berlin)
    assert (await today(study)).waiting.new_cards == 2
