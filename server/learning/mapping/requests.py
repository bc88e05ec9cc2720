"""Requests to the domain."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import TypeVar

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from kaiwa.learning.v1 import learning_service_pb2 as pb
from kaiwa.learning.v1 import queue_pb2, review_pb2, settings_pb2
from server.errors import ApplicationError, FieldViolation
from server.kernel.clock import Clock
from server.kernel.paging import DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE
from server.learning.change_cards import CardsToChange
from server.learning.domain.card import CardId, SentenceId
from server.learning.domain.days import LearnerDays
from server.learning.domain.review import AttemptId, ReviewId
from server.learning.domain.selection import CardFilter, CardSelection
from server.learning.domain.settings import DayLimits, LearningSettings, Vacation
from server.learning.domain.submission import Submission
from server.learning.mapping.enums import (
    JLPT_FROM,
    LEECH_ACTION_FROM,
    NEW_CARD_ORDER_FROM,
    RATING_FROM,
    RATING_SOURCE_FROM,
    SCHEDULER_FROM,
    SKILL_FROM,
    SOURCE_FROM,
    STATE_FROM,
    day_of,
)
from server.learning.reply import Repeat, Reply
from server.learning.update_settings import SettingsChange
from server.rpc.wire import body_hash, masked_fields, moment

T = TypeVar("T")
M = TypeVar("M", bound=Message)

Check = Callable[[Message], None]
"""Raises ApplicationError(INVALID_FIELD) when a message breaks the contract's rules."""

_SECOND = timedelta(seconds=1)
_MOMENT = timedelta(microseconds=1)
_DEFAULTS = LearningSettings()


def limit(given: int) -> int:
    """How many items are wanted at most; 0: the default."""
    return min(given, MAX_PAGE_SIZE) or DEFAULT_PAGE_SIZE


def submission(message: review_pb2.ReviewSubmission, path: str) -> Submission:
    """A review as a client sent it.

    Args:
        path: its own path in the request, for errors.

    Raises:
        InvalidInput: INVALID_FIELD.
    """
    return Submission(
        id=ReviewId(message.review_id.lower()),
        card_id=CardId(message.card_id.lower()),
        rating=RATING_FROM[message.rating],
        client_time=moment(message.client_time, f"{path}.client_time"),
        time_taken=message.time_taken.ToTimedelta() if message.HasField("time_taken") else None,
        rating_source=RATING_SOURCE_FROM[message.rating_source],
        attempt_id=AttemptId(message.attempt_id.lower()) if message.attempt_id else None,
        filtered=message.without_rescheduling,
    )


def submissions(request: pb.SubmitReviewsRequest, check: Check) -> list[Submission | ApplicationError]:
    """The reviews of a batch; one that breaks the rules of ReviewSubmission is what it breaks."""
    found: list[Submission | ApplicationError] = []
    for index, message in enumerate(request.reviews):
        path = f"reviews[{index}]"
        try:
            check(message)
            found.append(submission(message, path))
        except ApplicationError as error:
            found.append(_within(error, path))
    return found


def _within(error: ApplicationError, path: str) -> ApplicationError:
    """An error of a message, told of the message's place in the request."""
    field = error.metadata.get("field", "")
    if field.startswith(path):
        return error
    return ApplicationError(
        error.reason,
        "; ".join(f"{path}.{violation.field}: {violation.description}" for violation in error.violations[:5]),
        metadata={**error.metadata, "field": f"{path}.{field}"},
        violations=[FieldViolation(f"{path}.{each.field}", each.description) for each in error.violations],
    )


def card_filter(message: queue_pb2.CardFilter) -> CardFilter:
    """A filter of cards."""
    return CardFilter(
        skills=frozenset(SKILL_FROM[skill] for skill in message.skills),
        tags=tuple(message.tags),
        min_difficulty=message.min_difficulty or None,
        max_difficulty=message.max_difficulty or None,
        jlpt_levels=frozenset(JLPT_FROM[level] for level in message.jlpt_levels),
        sources=frozenset(SOURCE_FROM[source] for source in message.sources),
    )


def selection(request: pb.ListCardsRequest) -> Callable[[LearnerDays, Clock], CardSelection]:
    """The filters of a list, for the learner's days.

    Raises:
        InvalidInput: INVALID_FIELD.
    """
    before = moment(request.due_before, "due_before") if request.HasField("due_before") else None

    def made(days: LearnerDays, clock: Clock) -> CardSelection:
        return CardSelection(
            today=days.day_of(clock.now()),
            filter=card_filter(request.filter),
            states=frozenset(STATE_FROM[state] for state in request.states),
            sentence_ids=tuple(SentenceId(each.lower()) for each in request.sentence_ids),
            mature=request.mature if request.HasField("mature") else None,
            leech=request.leech if request.HasField("leech") else None,
            buried=request.buried if request.HasField("buried") else None,
            due_before=before,
            due_day_before=None if before is None else days.day_of(before - _MOMENT),
        )

    return made


def cards_to_change(
    request: (
        pb.SuspendCardsRequest
        | pb.UnsuspendCardsRequest
        | pb.BuryCardsRequest
        | pb.UnburyCardsRequest
        | pb.ResetCardsRequest
    ),
) -> CardsToChange:
    """Which cards, and when the learner did it.

    Raises:
        InvalidInput: INVALID_FIELD.
    """
    at: Timestamp | None = request.client_time if request.HasField("client_time") else None
    return CardsToChange(
        ids=tuple(dict.fromkeys(CardId(each.lower()) for each in request.card_ids)),
        client_time=None if at is None else moment(at, "client_time"),
    )


def reply(show: Callable[[T], M], request: Message, response: type[M]) -> Reply[T, M]:
    """How a mutation answers, and how its repeats are told apart.

    Args:
        show: makes the response.
        request: with a `request_id`.
    """
    request_id: str = getattr(request, "request_id")  # noqa: B009
    if not request_id:
        return Reply(show)

    def encode(message: M) -> bytes:
        return message.SerializeToString()

    return Reply(show, Repeat(request_id.lower(), body_hash(request), encode, response.FromString))


def settings_change(request: pb.UpdateSettingsRequest) -> SettingsChange:
    """The change that a request wants.

    Raises:
        InvalidInput: INVALID_FIELD_MASK, INVALID_FIELD.
    """
    paths = masked_fields(request.update_mask, _SETTERS)
    message = request.settings
    values = {_FIELDS.get(path, path): _SETTERS[path](message) for path in paths}
    return SettingsChange(
        fields=frozenset(values),
        apply=lambda before: replace(before, **values),  # type: ignore[arg-type]
        moves_cards=request.reschedule_cards,
    )


def _day_limits(message: settings_pb2.LearningSettings) -> DayLimits | None:
    if not message.HasField("today_limits"):
        return None
    limits = message.today_limits
    return DayLimits(
        day=day_of(limits.day, "settings.today_limits.day"),
        new_cards=limits.new_cards if limits.HasField("new_cards") else None,
        reviews=limits.reviews if limits.HasField("reviews") else None,
    )


def _vacation(message: settings_pb2.LearningSettings) -> Vacation | None:
    if not message.HasField("vacation"):
        return None
    vacation = message.vacation
    last = day_of(vacation.last_day, "settings.vacation.last_day") if vacation.HasField("last_day") else None
    return Vacation(day_of(vacation.first_day, "settings.vacation.first_day"), last)


def _whole(length: timedelta) -> timedelta:
    """Whole seconds, and at least one."""
    return max(length // _SECOND, 1) * _SECOND


_FIELDS = {
    "starting_ease_factor": "starting_ease",
    "graduating_interval_days": "graduating_days",
    "easy_interval_days": "easy_days",
    "max_interval_days": "max_days",
    "fuzz_enabled": "fuzz",
}
"""Names of settings in the domain, where they are others than in the contract."""
_SETTERS: dict[str, Callable[[settings_pb2.LearningSettings], object]] = {
    "scheduler": lambda message: SCHEDULER_FROM[message.scheduler],
    "desired_retention": lambda message: message.desired_retention or _DEFAULTS.desired_retention,
    "fsrs_weights": lambda message: tuple(message.fsrs_weights) or None,
    "starting_ease_factor": lambda message: message.starting_ease_factor or _DEFAULTS.starting_ease,
    "learning_steps": lambda message: tuple(_whole(step.ToTimedelta()) for step in message.learning_steps),
    "relearning_steps": lambda message: tuple(_whole(step.ToTimedelta()) for step in message.relearning_steps),
    "graduating_interval_days": lambda message: message.graduating_interval_days or _DEFAULTS.graduating_days,
    "easy_interval_days": lambda message: message.easy_interval_days or _DEFAULTS.easy_days,
    "max_interval_days": lambda message: message.max_interval_days or _DEFAULTS.max_days,
    "fuzz_enabled": lambda message: message.fuzz_enabled,
    "new_cards_per_day": lambda message: message.new_cards_per_day,
    "reviews_per_day": lambda message: message.reviews_per_day,
    "today_limits": _day_limits,
    "learn_ahead": lambda message: (
        message.learn_ahead.ToTimedelta() // _SECOND * _SECOND
        if message.HasField("learn_ahead")
        else _DEFAULTS.learn_ahead
    ),
    "new_card_order": lambda message: NEW_CARD_ORDER_FROM[message.new_card_order],
    "bury_siblings": lambda message: message.bury_siblings,
    "leech_threshold": lambda message: message.leech_threshold,
    "leech_action": lambda message: LEECH_ACTION_FROM[message.leech_action],
    "vacation": _vacation,
}
