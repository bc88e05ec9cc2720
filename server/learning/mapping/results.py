"""What use cases give to responses."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from kaiwa.errors.v1 import error_reason_pb2
from kaiwa.learning.v1 import card_pb2, queue_pb2, review_pb2, settings_pb2, sync_pb2
from kaiwa.learning.v1 import learning_service_pb2 as pb
from server.errors import ApplicationError
from server.learning.add_cards import AddedCards
from server.learning.change_cards import ChangedCards
from server.learning.domain.card import Card
from server.learning.domain.days import LearnerDays
from server.learning.domain.queue import QueueCounts
from server.learning.domain.review import Outcome, Rating, Review
from server.learning.domain.settings import LearningSettings
from server.learning.domain.sync import CardRemoval, PlacedChange, SanityCounts, StoredSettings
from server.learning.get_card import CardHistory
from server.learning.get_review_queue import QueuedCard, ReviewQueue
from server.learning.mapping.enums import (
    KIND_TO,
    LEECH_ACTION_TO,
    NEW_CARD_ORDER_TO,
    RATING_SOURCE_TO,
    RATING_TO,
    SCHEDULER_TO,
    SKILL_TO,
    STATE_TO,
    date_message,
)
from server.learning.submit_reviews import Submissions, Submitted
from server.learning.undo_review import Undone
from server.rpc.wire import duration, timestamp


def card_message(card: Card, days: LearnerDays) -> card_pb2.Card:
    """A card as the wire has it.

    Args:
        days: how the learner's days are counted now.
    """
    progress, schedule, counts = card.progress, card.progress.schedule, card.progress.counts
    state = STATE_TO[schedule.state]
    due = schedule.due_at if schedule.due_day is None else days.start_of(schedule.due_day)
    average = counts.average_time
    return card_pb2.Card(
        id=card.id,
        sentence_id=card.sentence_id,
        skill=SKILL_TO[card.skill],
        state=card_pb2.CARD_STATE_SUSPENDED if progress.suspended else state,
        resumes_as=state if progress.suspended else card_pb2.CARD_STATE_UNSPECIFIED,
        mature=schedule.mature,
        due_time=None if due is None else timestamp(due),
        due_day=None if schedule.due_day is None else date_message(schedule.due_day),
        interval=None if schedule.interval is None else duration(schedule.interval),
        step=schedule.step,
        stability=schedule.memory.stability,
        difficulty=schedule.memory.difficulty,
        ease_factor=schedule.memory.ease,
        scheduler=SCHEDULER_TO[schedule.scheduler],
        repetitions=counts.repetitions,
        correct_count=counts.correct,
        incorrect_count=counts.incorrect,
        lapses=counts.lapses,
        current_streak=counts.current_streak,
        best_streak=counts.best_streak,
        accuracy=counts.accuracy,
        average_response_time=None if average is None else duration(_milliseconds(average)),
        leech=progress.leech,
        buried_until_day=None if progress.buried_until is None else date_message(progress.buried_until),
        new_position=card.new_position,
        import_key=None
        if card.import_key is None
        else card_pb2.ImportKey(note_guid=card.import_key.note_guid, template_index=card.import_key.template_index),
        last_review_time=None if progress.last_answer_at is None else timestamp(progress.last_answer_at),
        create_time=timestamp(card.created_at),
        update_time=timestamp(card.updated_at),
        sequence=card.sequence,
    )


def review_message(review: Review, replayed: Outcome | None = None) -> review_pb2.Review:
    """A review as the wire has it."""
    return review_pb2.Review(
        review_id=review.id,
        card_id=review.card_id,
        rating=_rating(review.rating),
        kind=KIND_TO[review.kind],
        client_time=timestamp(review.client_time),
        effective_time=timestamp(review.effective_at),
        receive_time=timestamp(review.received_at),
        time_taken=None if review.time_taken is None else duration(review.time_taken),
        rating_source=(
            review_pb2.RATING_SOURCE_UNSPECIFIED
            if review.rating_source is None
            else RATING_SOURCE_TO[review.rating_source]
        ),
        attempt_id=review.attempt_id or "",
        suggested_rating=_rating(review.suggested_rating),
        given=outcome_message(review.given),
        replayed=None if replayed is None else outcome_message(replayed),
        undo_time=None if review.undone_at is None else timestamp(review.undone_at),
        imported=review.imported,
        sequence=review.sequence,
    )


def outcome_message(outcome: Outcome) -> review_pb2.ReviewOutcome:
    """What a review did, as the wire has it."""
    return review_pb2.ReviewOutcome(
        scheduler=SCHEDULER_TO[outcome.scheduler],
        scheduler_version=outcome.scheduler_version,
        state_before=STATE_TO[outcome.state_before],
        state_after=STATE_TO[outcome.state_after],
        interval=None if outcome.interval is None else duration(outcome.interval),
        due_time=None if outcome.due_at is None else timestamp(outcome.due_at),
        due_day=None if outcome.due_day is None else date_message(outcome.due_day),
        step=outcome.step,
        stability=outcome.memory.stability,
        difficulty=outcome.memory.difficulty,
        ease_factor=outcome.memory.ease,
        retrievability_before=outcome.retrievability_before,
        reached_leech_threshold=outcome.reached_leech_threshold,
        suspended=outcome.suspended,
        buried_card_ids=outcome.buried,
    )


def failure_message(error: ApplicationError) -> review_pb2.ItemFailure:
    """Why one item failed."""
    return review_pb2.ItemFailure(
        reason=error_reason_pb2.ErrorReason.Value(error.reason.value),
        message=error.message,
        metadata=dict(error.metadata),
    )


def submissions_message(done: Submissions, ids: Iterable[str]) -> pb.SubmitReviewsResponse:
    """What a batch did.

    Args:
        ids: of the reviews as they were sent.
    """
    return pb.SubmitReviewsResponse(
        results=(_result(review_id, result) for review_id, result in zip(ids, done.results, strict=True)),
        cards=(card_message(card, done.days) for card in done.cards),
    )


def undone_message(undone: Undone) -> pb.UndoReviewResponse:
    """What an undo left."""
    return pb.UndoReviewResponse(
        review=review_message(undone.review),
        card=card_message(undone.card, undone.days),
        undoable_count=undone.undoable,
    )


def history_message(history: CardHistory) -> pb.GetCardResponse:
    """A card and its reviews."""
    return pb.GetCardResponse(
        card=card_message(history.card, history.days),
        reviews=(review_message(each.review, each.replayed) for each in history.reviews),
        retrievability=history.retrievability,
    )


def added_message(added: AddedCards) -> pb.AddCardsResponse:
    """Cards that were added."""
    return pb.AddCardsResponse(
        cards=(card_message(card, added.days) for card in added.cards),
        created_count=added.created,
        failures=(
            pb.AddCardsFailure(sentence_id=sentence_id, failure=failure_message(error))
            for sentence_id, error in added.failures
        ),
    )


def changed_cards(changed: ChangedCards) -> list[card_pb2.Card]:
    """Cards after a change."""
    return [card_message(card, changed.days) for card in changed.cards]


def card_failures(changed: ChangedCards) -> list[pb.CardFailure]:
    """The cards that a change failed for."""
    return [pb.CardFailure(card_id=card_id, failure=failure_message(error)) for card_id, error in changed.failures]


def queue_message(queue: ReviewQueue) -> pb.GetReviewQueueResponse:
    """The queue."""
    return pb.GetReviewQueueResponse(
        cards=(_queue_card(each, queue.days) for each in queue.cards),
        counts=counts_message(queue.counts),
        next_learning_due_time=None if queue.next_learning_at is None else timestamp(queue.next_learning_at),
        queue_time=timestamp(queue.made_at),
        day=date_message(queue.today),
        day_end_time=timestamp(queue.days.end_of(queue.today)),
    )


def counts_message(counts: QueueCounts) -> queue_pb2.QueueCounts:
    """How many cards wait."""
    return queue_pb2.QueueCounts(
        due_reviews=counts.due_reviews,
        due_learning=counts.due_learning,
        new_cards=counts.new_cards,
        later_today=counts.later_today,
        held_back_reviews=counts.held_back_reviews,
        held_back_new_cards=counts.held_back_new_cards,
    )


def settings_message(stored: StoredSettings) -> settings_pb2.LearningSettings:
    """Settings as the wire has them."""
    settings = stored.settings
    return settings_pb2.LearningSettings(
        scheduler=SCHEDULER_TO[settings.scheduler],
        desired_retention=settings.desired_retention,
        fsrs_weights=settings.fsrs_weights or (),
        starting_ease_factor=settings.starting_ease,
        learning_steps=map(duration, settings.learning_steps),
        relearning_steps=map(duration, settings.relearning_steps),
        graduating_interval_days=settings.graduating_days,
        easy_interval_days=settings.easy_days,
        max_interval_days=settings.max_days,
        fuzz_enabled=settings.fuzz,
        new_cards_per_day=settings.new_cards_per_day,
        reviews_per_day=settings.reviews_per_day,
        today_limits=_day_limits(settings),
        learn_ahead=duration(settings.learn_ahead),
        new_card_order=NEW_CARD_ORDER_TO[settings.new_card_order],
        bury_siblings=settings.bury_siblings,
        leech_threshold=settings.leech_threshold,
        leech_action=LEECH_ACTION_TO[settings.leech_action],
        vacation=_vacation(settings),
        update_time=None if stored.updated_at is None else timestamp(stored.updated_at),
        sequence=stored.sequence,
    )


def change_message(placed: PlacedChange, days: LearnerDays) -> sync_pb2.Change:
    """A change as a device is told of it."""
    sequence, change = placed.position.sequence, placed.change
    if isinstance(change, Card):
        return sync_pb2.Change(sequence=sequence, card=card_message(change, days))
    if isinstance(change, StoredSettings):
        return sync_pb2.Change(sequence=sequence, settings=settings_message(change))
    if isinstance(change, CardRemoval):
        kind, gone, at = sync_pb2.TOMBSTONE_KIND_CARD, change.id, change.at
    elif change.undone_at is None:
        return sync_pb2.Change(sequence=sequence, review=review_message(change))
    else:
        kind, gone, at = sync_pb2.TOMBSTONE_KIND_REVIEW, change.id, change.undone_at
    tombstone = sync_pb2.Tombstone(kind=kind, id=gone, delete_time=timestamp(at))
    return sync_pb2.Change(sequence=sequence, tombstone=tombstone)


def sanity_message(counts: SanityCounts) -> sync_pb2.SanityCounts:
    """What a device must hold."""
    return sync_pb2.SanityCounts(
        cards=counts.cards,
        new_cards=counts.new,
        learning_cards=counts.learning,
        review_cards=counts.review,
        suspended_cards=counts.suspended,
        reviews=counts.reviews,
        sequence=counts.sequence,
    )


def _result(review_id: str, result: Submitted) -> pb.SubmitReviewResult:
    if isinstance(result, Review):
        return pb.SubmitReviewResult(review_id=review_id, review=review_message(result))
    return pb.SubmitReviewResult(review_id=review_id, failure=failure_message(result))


def _queue_card(queued: QueuedCard, days: LearnerDays) -> queue_pb2.QueueCard:
    message = queue_pb2.QueueCard(
        card=card_message(queued.card, days),
        previews=(_preview(rating, outcome) for rating, outcome in queued.previews),
        retrievability=queued.retrievability,
    )
    message.sentence.MergeFromString(queued.sentence)
    return message


def _preview(rating: Rating, outcome: Outcome) -> queue_pb2.RatingPreview:
    return queue_pb2.RatingPreview(
        rating=RATING_TO[rating],
        interval=None if outcome.interval is None else duration(outcome.interval),
        due_time=None if outcome.due_at is None else timestamp(outcome.due_at),
        due_day=None if outcome.due_day is None else date_message(outcome.due_day),
        state=STATE_TO[outcome.state_after],
    )


def _rating(rating: Rating | None) -> review_pb2.Rating.ValueType:
    return review_pb2.RATING_UNSPECIFIED if rating is None else RATING_TO[rating]


def _day_limits(settings: LearningSettings) -> settings_pb2.DayLimits | None:
    limits = settings.today_limits
    if limits is None:
        return None
    return settings_pb2.DayLimits(day=date_message(limits.day), new_cards=limits.new_cards, reviews=limits.reviews)


def _vacation(settings: LearningSettings) -> settings_pb2.Vacation | None:
    vacation = settings.vacation
    if vacation is None:
        return None
    last = None if vacation.last_day is None else date_message(vacation.last_day)
    return settings_pb2.Vacation(first_day=date_message(vacation.first_day), last_day=last)


def _milliseconds(length: timedelta) -> timedelta:
    return timedelta(milliseconds=round(length / timedelta(milliseconds=1)))
