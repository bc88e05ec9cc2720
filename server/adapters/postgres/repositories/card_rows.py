"""Cards, reviews and settings between rows and the domain."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, cast

from sqlalchemy import ColumnElement, Row, RowMapping, Table, Uuid, bindparam, func
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import InstrumentedAttribute

from server.adapters.postgres.tables import CardMarkRow, CardRow, LearningSettingsRow, ReviewRow, SettingsChangeRow
from server.learning.domain.card import (
    Card,
    CardId,
    Counts,
    ImportKey,
    Memory,
    Progress,
    Schedule,
    Scheduler,
    SentenceId,
    Skill,
    State,
)
from server.learning.domain.review import AttemptId, Outcome, Rating, RatingSource, Review, ReviewId, ReviewKind
from server.learning.domain.settings import (
    DayLimits,
    LearningSettings,
    LeechAction,
    NewCardOrder,
    Vacation,
)

CARDS = cast(Table, CardRow.__table__)
REVIEWS = cast(Table, ReviewRow.__table__)
MARKS = cast(Table, CardMarkRow.__table__)
SETTINGS = cast(Table, LearningSettingsRow.__table__)
SETTINGS_CHANGES = cast(Table, SettingsChangeRow.__table__)
_MS = timedelta(milliseconds=1)
_UUIDS = ARRAY(Uuid(as_uuid=False))


def among(column: ColumnElement[Any] | InstrumentedAttribute[Any], ids: Collection[str]) -> ColumnElement[bool]:
    """Holds for some ids; one alone is compared as such, which every plan has a good estimate for."""
    if len(ids) == 1:
        return column == next(iter(ids))
    return column == func.any(bindparam(None, list(ids), type_=_UUIDS))


def card_of(row: Row[Any]) -> Card:
    """A card from its row (all of `CARDS`)."""
    return Card(
        id=CardId(row.id),
        sentence_id=SentenceId(row.sentence_id),
        skill=Skill(row.skill),
        new_position=row.new_position,
        import_key=None if row.import_note_guid is None else ImportKey(row.import_note_guid, row.import_template),
        progress=Progress(
            schedule=Schedule(
                scheduler=Scheduler(row.scheduler),
                state=State(row.state),
                step=row.step,
                due_at=row.due_at,
                due_day=row.due_day,
                base_due_day=row.base_due_day,
                interval=_seconds(row.interval_seconds),
                memory=Memory(row.stability, row.difficulty, row.ease_factor),
                memory_day=row.memory_day,
            ),
            counts=Counts(
                repetitions=row.reps,
                correct=row.times_correct,
                incorrect=row.times_incorrect,
                lapses=row.lapses,
                current_streak=row.current_streak,
                best_streak=row.best_streak,
                timed=row.timed_answers,
                time_taken=timedelta(milliseconds=row.total_response_ms),
            ),
            leech=row.leech,
            suspended=row.suspended,
            buried_until=row.buried_until_day,
            last_answer_at=row.last_review_at,
            last_answer_day=row.last_answer_day,
            last_event_at=row.last_event_at,
        ),
        created_at=row.created_at,
        updated_at=row.updated_at,
        sequence=row.sequence,
    )


def progress_columns(card: Card) -> dict[str, object]:
    """What changes of a card, by column."""
    schedule, counts = card.progress.schedule, card.progress.counts
    return {
        "scheduler": schedule.scheduler.value,
        "state": schedule.state.value,
        "step": schedule.step,
        "due_at": schedule.due_at,
        "due_day": schedule.due_day,
        "base_due_day": schedule.base_due_day,
        "interval_seconds": _whole_seconds(schedule.interval),
        "memory_day": schedule.memory_day,
        "stability": schedule.memory.stability,
        "difficulty": schedule.memory.difficulty,
        "ease_factor": schedule.memory.ease,
        "reps": counts.repetitions,
        "lapses": counts.lapses,
        "times_correct": counts.correct,
        "times_incorrect": counts.incorrect,
        "current_streak": counts.current_streak,
        "best_streak": counts.best_streak,
        "timed_answers": counts.timed,
        "total_response_ms": counts.time_taken // _MS,
        "leech": card.progress.leech,
        "suspended": card.progress.suspended,
        "buried_until_day": card.progress.buried_until,
        "last_review_at": card.progress.last_answer_at,
        "last_answer_day": card.progress.last_answer_day,
        "last_event_at": card.progress.last_event_at,
        "sequence": card.sequence,
        "updated_at": card.updated_at,
    }


def card_columns(user_id: str, card: Card) -> dict[str, object]:
    """A card, by column."""
    key = card.import_key
    return {
        "id": card.id,
        "user_id": user_id,
        "sentence_id": card.sentence_id,
        "skill": card.skill.value,
        "import_note_guid": None if key is None else key.note_guid,
        "import_template": None if key is None else key.template_index,
        "new_position": card.new_position,
        "created_at": card.created_at,
        **progress_columns(card),
    }


def review_of(row: Row[Any]) -> Review:
    """A review from its row (all of `REVIEWS`)."""
    return Review(
        id=ReviewId(row.id),
        card_id=CardId(row.card_id),
        kind=ReviewKind(row.kind),
        rating=None if row.rating is None else Rating(row.rating),
        client_time=row.client_time,
        effective_at=row.effective_at,
        received_at=row.received_at,
        time_taken=None if row.time_taken_ms is None else timedelta(milliseconds=row.time_taken_ms),
        rating_source=None if row.rating_source is None else RatingSource(row.rating_source),
        attempt_id=None if row.attempt_id is None else AttemptId(row.attempt_id),
        suggested_rating=None if row.suggested_rating is None else Rating(row.suggested_rating),
        imported=row.imported,
        resets_counts=row.resets_counts,
        given=Outcome(
            scheduler=Scheduler(row.scheduler),
            scheduler_version=row.scheduler_version,
            state_before=State(row.state_before),
            state_after=State(row.given_state),
            interval=_seconds(row.given_interval_seconds),
            due_at=row.given_due_at,
            due_day=row.given_due_day,
            step=row.given_step,
            memory=Memory(row.given_stability, row.given_difficulty, row.given_ease_factor),
            retrievability_before=row.retrievability_before,
            reached_leech_threshold=row.reached_leech_threshold,
            suspended=row.suspended_card,
            buried=tuple(CardId(each) for each in row.buried_card_ids),
        ),
        undone_at=row.undone_at,
        sequence=row.sequence,
    )


def review_columns(user_id: str, review: Review) -> dict[str, object]:
    """A review, by column."""
    given = review.given
    return {
        "user_id": user_id,
        "id": review.id,
        "card_id": review.card_id,
        "kind": review.kind.value,
        "rating": review.rating,
        "client_time": review.client_time,
        "effective_at": review.effective_at,
        "received_at": review.received_at,
        "time_taken_ms": None if review.time_taken is None else review.time_taken // _MS,
        "rating_source": None if review.rating_source is None else review.rating_source.value,
        "attempt_id": review.attempt_id,
        "suggested_rating": review.suggested_rating,
        "imported": review.imported,
        "resets_counts": review.resets_counts,
        "scheduler": given.scheduler.value,
        "scheduler_version": given.scheduler_version,
        "state_before": given.state_before.value,
        "given_state": given.state_after.value,
        "given_step": given.step,
        "given_interval_seconds": _whole_seconds(given.interval),
        "given_due_at": given.due_at,
        "given_due_day": given.due_day,
        "given_stability": given.memory.stability,
        "given_difficulty": given.memory.difficulty,
        "given_ease_factor": given.memory.ease,
        "retrievability_before": given.retrievability_before,
        "reached_leech_threshold": given.reached_leech_threshold,
        "suspended_card": given.suspended,
        "buried_card_ids": list(given.buried),
        "undone_at": review.undone_at,
        "sequence": review.sequence,
    }


def settings_columns(settings: LearningSettings) -> dict[str, object]:
    """Settings, by column."""
    today, vacation = settings.today_limits, settings.vacation
    return {
        "scheduler": settings.scheduler.value,
        "fsrs_weights": None if settings.fsrs_weights is None else list(settings.fsrs_weights),
        "desired_retention": settings.desired_retention,
        "starting_ease_factor": settings.starting_ease,
        "max_interval_days": settings.max_days,
        "fuzz_enabled": settings.fuzz,
        "new_cards_per_day": settings.new_cards_per_day,
        "reviews_per_day": settings.reviews_per_day,
        "today": None if today is None else today.day,
        "today_new_cards": None if today is None else today.new_cards,
        "today_reviews": None if today is None else today.reviews,
        "learning_steps_seconds": [_whole_seconds(step) for step in settings.learning_steps],
        "relearning_steps_seconds": [_whole_seconds(step) for step in settings.relearning_steps],
        "graduating_interval_days": settings.graduating_days,
        "easy_interval_days": settings.easy_days,
        "learn_ahead_seconds": _whole_seconds(settings.learn_ahead),
        "new_card_order": settings.new_card_order.value,
        "leech_threshold": settings.leech_threshold,
        "leech_action": settings.leech_action.value,
        "bury_siblings": settings.bury_siblings,
        "vacation_first_day": None if vacation is None else vacation.first_day,
        "vacation_last_day": None if vacation is None else vacation.last_day,
    }


def settings_of(columns: Mapping[str, Any] | RowMapping) -> LearningSettings:
    """Settings from their columns; days may be text."""
    today, first, last = (_day(columns[name]) for name in ("today", "vacation_first_day", "vacation_last_day"))
    weights = columns["fsrs_weights"]
    limits = DayLimits(today, columns["today_new_cards"], columns["today_reviews"]) if today is not None else None
    return LearningSettings(
        scheduler=Scheduler(columns["scheduler"]),
        fsrs_weights=None if weights is None else tuple(weights),
        desired_retention=columns["desired_retention"],
        starting_ease=columns["starting_ease_factor"],
        max_days=columns["max_interval_days"],
        fuzz=columns["fuzz_enabled"],
        new_cards_per_day=columns["new_cards_per_day"],
        reviews_per_day=columns["reviews_per_day"],
        today_limits=limits,
        learning_steps=_steps(columns["learning_steps_seconds"]),
        relearning_steps=_steps(columns["relearning_steps_seconds"]),
        graduating_days=columns["graduating_interval_days"],
        easy_days=columns["easy_interval_days"],
        learn_ahead=timedelta(seconds=columns["learn_ahead_seconds"]),
        new_card_order=NewCardOrder(columns["new_card_order"]),
        leech_threshold=columns["leech_threshold"],
        leech_action=LeechAction(columns["leech_action"]),
        bury_siblings=columns["bury_siblings"],
        vacation=None if first is None else Vacation(first, last),
    )


def as_json(columns: Mapping[str, object]) -> dict[str, object]:
    """Columns as JSON values: days as text."""
    return {name: value.isoformat() if isinstance(value, date) else value for name, value in columns.items()}


def _day(value: date | str | None) -> date | None:
    return date.fromisoformat(value) if isinstance(value, str) else value


def _steps(seconds: Sequence[int]) -> tuple[timedelta, ...]:
    return tuple(timedelta(seconds=each) for each in seconds)


def _seconds(length: int | None) -> timedelta | None:
    return None if length is None else timedelta(seconds=length)


def _whole_seconds(length: timedelta | None) -> int | None:
    return None if length is None else int(length.total_seconds())


def instant(at: datetime | None) -> str:
    """A time as text in a page's position."""
    return "" if at is None else at.isoformat()


DEFAULT_COLUMNS: Mapping[str, Any] = settings_columns(LearningSettings())
