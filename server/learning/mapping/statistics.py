"""Statistics, forecast, and the jobs of learning, between the contract and the domain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TypeAlias

from google.protobuf.duration_pb2 import Duration

from kaiwa.content.v1 import sentence_pb2
from kaiwa.learning.v1 import learning_service_pb2 as pb
from kaiwa.learning.v1 import statistics_pb2
from server.learning.domain.day_of_study import DayOfStudy
from server.learning.domain.figures import Figures, Material, Retention
from server.learning.domain.progress import CardCounts, Forecast, ForecastDay
from server.learning.domain.review import Rating
from server.learning.domain.streak import Streak
from server.learning.domain.trends import Step, TrendPoint
from server.learning.get_progress import Standpoint
from server.learning.get_stats import Stats
from server.learning.mapping.enums import JLPT_FROM, SKILL_TO, date_message, day_of
from server.learning.mapping.results import counts_message
from server.learning.optimize_scheduler import Optimization
from server.learning.simulate_workload import Simulation
from server.learning.storage import Range
from server.rpc.wire import duration

Ranged: TypeAlias = pb.GetStatsRequest | pb.GetDailyStatsRequest | pb.GetTrendsRequest

STEP_FROM: Mapping[int, Step] = {
    statistics_pb2.TREND_STEP_DAY: Step.DAY,
    statistics_pb2.TREND_STEP_WEEK: Step.WEEK,
    statistics_pb2.TREND_STEP_MONTH: Step.MONTH,
}
_JLPT_TO: Mapping[int | None, sentence_pb2.JlptLevel.ValueType] = {
    None: sentence_pb2.JLPT_LEVEL_UNSPECIFIED,
    **{level: message for message, level in JLPT_FROM.items()},
}
_USUAL_FORECAST_DAYS = 30


def day_range(request: Ranged) -> Range:
    """The days that a request names.

    Raises:
        InvalidInput: INVALID_FIELD.
    """
    return Range(
        day_of(request.first_day, "first_day") if request.HasField("first_day") else None,
        day_of(request.last_day, "last_day") if request.HasField("last_day") else None,
    )


def forecast_days(request: pb.GetForecastRequest) -> int:
    """How many days to look ahead."""
    return request.days or _USUAL_FORECAST_DAYS


def optimization(request: pb.OptimizeSchedulerRequest) -> Optimization:
    """How to fit.

    Raises:
        InvalidInput: INVALID_FIELD.
    """
    first = day_of(request.first_day, "first_day") if request.HasField("first_day") else None
    return Optimization(request.apply, first)


def simulation(request: pb.SimulateWorkloadRequest) -> Simulation:
    """What to simulate."""
    usual = Simulation()
    return Simulation(
        tuple(request.desired_retentions) or usual.desired_retentions,
        request.days or usual.days,
        request.deck_size or None,
        request.new_cards_per_day if request.HasField("new_cards_per_day") else None,
        request.reviews_per_day if request.HasField("reviews_per_day") else None,
    )


def progress_message(found: Standpoint) -> pb.GetProgressResponse:
    """Where a learner stands."""
    return pb.GetProgressResponse(
        cards=_card_counts(found.cards),
        skills=(
            statistics_pb2.SkillProgress(skill=SKILL_TO[skill], cards=_card_counts(cards))
            for skill, cards in found.skills.items()
        ),
        difficulties=(
            statistics_pb2.DifficultyProgress(difficulty=difficulty, cards=_card_counts(cards))
            for difficulty, cards in found.difficulties.items()
        ),
        jlpt_levels=(
            statistics_pb2.JlptProgress(jlpt_level=_JLPT_TO[level], cards=_card_counts(cards))
            for level, cards in found.jlpt_levels.items()
        ),
        sentences_started=found.sentences_started,
        streak=_streak(found.streak),
        today=day_message(found.today),
        waiting=counts_message(found.waiting),
    )


def stats_message(stats: Stats) -> pb.GetStatsResponse:
    """The statistics of a range."""
    figures = stats.totals.figures
    return pb.GetStatsResponse(
        first_day=None if stats.first is None else date_message(stats.first),
        last_day=date_message(stats.last),
        days_studied=stats.days_studied,
        totals=day_message(stats.totals),
        kinds=statistics_pb2.KindStats(
            learning=_ratings(figures.ratings(Material.LEARNING)),
            young=_ratings(figures.ratings(Material.YOUNG)),
            mature=_ratings(figures.ratings(Material.MATURE)),
            relearning=_ratings(figures.ratings(Material.RELEARNING)),
            filtered=_ratings(figures.ratings(Material.FILTERED)),
        ),
        young_retention=_retention(figures.retention(Material.YOUNG)),
        mature_retention=_retention(figures.retention(Material.MATURE)),
        hours=_hours(figures),
        streak=_streak(stats.streak),
    )


def daily_message(days: Sequence[DayOfStudy]) -> pb.GetDailyStatsResponse:
    """The statistics of days."""
    return pb.GetDailyStatsResponse(days=map(day_message, days))


def day_message(day: DayOfStudy) -> statistics_pb2.DailyStats:
    """The statistics of a day, or of several together."""
    figures = day.figures
    return statistics_pb2.DailyStats(
        day=None if day.day is None else date_message(day.day),
        cards_reviewed=figures.cards_reviewed,
        cards_learned=figures.cards_learned,
        new_cards_introduced=figures.new_cards_introduced,
        cards_graduated=figures.cards_graduated,
        answers=figures.answers,
        ratings=_ratings(figures.ratings()),
        time_studied=duration(figures.time_studied),
        sessions_completed=day.sessions_completed,
        accuracy=figures.accuracy,
        average_response_time=_average(figures.average_response_time),
        retention=_retention(figures.true_retention),
        speaking_sessions=day.speaking.sessions,
        average_pronunciation_score=day.speaking.average_score,
        study_streak=day.study_streak,
    )


def trends_message(points: Sequence[TrendPoint]) -> pb.GetTrendsResponse:
    """Trends."""
    return pb.GetTrendsResponse(points=map(_point, points))


def forecast_message(forecast: Forecast) -> pb.GetForecastResponse:
    """What is to come."""
    return pb.GetForecastResponse(days=map(_forecast_day, forecast.days), overdue=forecast.overdue)


def _point(point: TrendPoint) -> statistics_pb2.TrendPoint:
    figures, speaking = point.sums.figures, point.sums.speaking
    return statistics_pb2.TrendPoint(
        first_day=date_message(point.first_day),
        days_studied=point.days_studied,
        answers=figures.answers,
        new_cards_introduced=figures.new_cards_introduced,
        cards_graduated=figures.cards_graduated,
        cards_learned=figures.cards_learned,
        time_studied=duration(figures.time_studied),
        accuracy=figures.accuracy,
        retention=_retention(figures.true_retention),
        average_response_time=_average(figures.average_response_time),
        speaking_sessions=speaking.sessions,
        average_pronunciation_score=speaking.average_score,
    )


def _forecast_day(day: ForecastDay) -> statistics_pb2.ForecastDay:
    return statistics_pb2.ForecastDay(
        day=date_message(day.day),
        young=day.young,
        mature=day.mature,
        learning=day.learning,
        expected_time=_average(day.expected_time),
    )


def _card_counts(counts: CardCounts) -> statistics_pb2.CardCounts:
    return statistics_pb2.CardCounts(
        total=counts.total,
        new_cards=counts.new,
        learning=counts.learning,
        young=counts.young,
        mature=counts.mature,
        relearning=counts.relearning,
        suspended=counts.suspended,
        buried=counts.buried,
        leeches=counts.leeches,
    )


def _streak(streak: Streak) -> statistics_pb2.StudyStreak:
    last = streak.last_study_day
    return statistics_pb2.StudyStreak(
        current_days=streak.current_days,
        best_days=streak.best_days,
        studied_today=streak.studied_today,
        last_study_day=None if last is None else date_message(last),
    )


def _ratings(ratings: Mapping[Rating, int]) -> statistics_pb2.RatingCounts:
    return statistics_pb2.RatingCounts(
        again=ratings[Rating.AGAIN],
        hard=ratings[Rating.HARD],
        good=ratings[Rating.GOOD],
        easy=ratings[Rating.EASY],
    )


def _retention(retention: Retention) -> statistics_pb2.Retention:
    return statistics_pb2.Retention(answers=retention.answers, correct=retention.correct, rate=retention.rate)


def _hours(figures: Figures) -> list[statistics_pb2.HourStats]:
    pairs = zip(figures.hour_answers, figures.hour_correct, strict=True)
    return [
        statistics_pb2.HourStats(hour=hour, answers=answers, correct=correct)
        for hour, (answers, correct) in enumerate(pairs)
    ]


def _average(length: timedelta | None) -> Duration | None:
    """A mean, to the millisecond: it is known no better."""
    return None if length is None else duration(timedelta(milliseconds=round(length / timedelta(milliseconds=1))))
