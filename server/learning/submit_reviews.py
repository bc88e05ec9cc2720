"""SubmitReviews: records answers that a device gave, online or not; each for itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from server.errors import ApplicationError
from server.kernel.clock import Clock
from server.kernel.identity import Caller, UserId
from server.learning.domain.card import Card, CardId, card_not_found
from server.learning.domain.days import LearnerDays
from server.learning.domain.review import Answer, AttemptId, Rating, Review, ReviewId
from server.learning.domain.submission import Submission, attempt_mismatch, attempt_not_found, review_id_reused
from server.learning.ports import SpokenAttempt, UnitOfWork, UnitOfWorkFactory
from server.learning.recording import record

Submitted: TypeAlias = Review | ApplicationError


@dataclass(frozen=True, slots=True)
class Submissions:
    """What came of some answers.

    Attributes:
        results: the review, or why there is none, for each.
        cards: those of the reviews that were recorded, now or earlier, each once.
        days: how the learner's days are counted.
    """

    results: tuple[Submitted, ...]
    cards: tuple[Card, ...]
    days: LearnerDays


class SubmitReviews:
    """Records answers.

    Args:
        unit_of_work: opens a transaction.
        clock: tells the time.
    """

    def __init__(self, unit_of_work: UnitOfWorkFactory, clock: Clock) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock

    async def __call__(self, caller: Caller, submissions: Sequence[Submission | ApplicationError]) -> Submissions:
        """Records them in the order of their times, all in one transaction.

        Args:
            submissions: what was sent; one that could not be read is why.

        Returns:
            A result for each. The failures of one are CARD_NOT_FOUND, REVIEW_ID_REUSED, REVIEW_TIME_OUT_OF_RANGE,
            ATTEMPT_NOT_FOUND and REVIEW_ATTEMPT_MISMATCH.
        """
        readable = [each for each in submissions if isinstance(each, Submission)]
        async with self._unit_of_work() as uow:
            user_id = caller.user_id
            sequence = await uow.sequences.next(user_id)
            now = self._clock.now()
            known = await uow.review_log.find(user_id, {each.id for each in readable}) if readable else {}
            cards = await uow.cards.with_siblings(user_id, {each.card_id for each in readable}) if readable else ()
            standing = await uow.learning_settings.standing(user_id)
            check = _Check(known, {card.id: card for card in cards}, await _attempts(uow, user_id, readable), now)
            checked = [each if isinstance(each, ApplicationError) else check(each) for each in submissions]
            answers = tuple(check.answers.values())
            reviews: Mapping[ReviewId, Review] = known
            present: Mapping[CardId, Card] = check.cards
            if answers:
                touched = {check.cards[answer.card_id].sentence_id for answer in answers}
                group = [card for card in cards if card.sentence_id in touched]
                done = await record(uow, user_id, standing, sequence, now, group, answers)
                reviews, present = {**known, **done.reviews}, {**check.cards, **done.cards}
                await uow.commit()
        results = tuple(reviews[each] if isinstance(each, str) else each for each in checked)
        shown = dict.fromkeys(result.card_id for result in results if isinstance(result, Review))
        return Submissions(
            results, tuple(present[card_id] for card_id in shown if card_id in present), standing.regime.days
        )


class _Check:
    """Tells which submissions are new answers.

    Attributes:
        answers: those that are.
    """

    def __init__(
        self,
        known: Mapping[ReviewId, Review],
        cards: Mapping[CardId, Card],
        attempts: Mapping[AttemptId, SpokenAttempt],
        now: datetime,
    ) -> None:
        self.cards = cards
        self.answers: dict[ReviewId, Answer] = {}
        self._known = known
        self._attempts = attempts
        self._now = now
        self._sent: dict[ReviewId, Submission] = {}

    def __call__(self, sent: Submission) -> ReviewId | ApplicationError:
        """The id of the review that it is or will be, or why it is none."""
        try:
            if (review := self._known.get(sent.id)) is not None:
                sent.check_same(review)
            elif (twin := self._sent.get(sent.id)) is not None:
                if twin != sent:
                    raise review_id_reused(sent.id)
            else:
                self.answers[sent.id] = self._answer(sent)
                self._sent[sent.id] = sent
        except ApplicationError as error:
            return error
        return sent.id

    def _answer(self, sent: Submission) -> Answer:
        card = self.cards.get(sent.card_id)
        if card is None:
            raise card_not_found(sent.card_id)
        return sent.answer(card, self._now, self._suggested(sent, card))

    def _suggested(self, sent: Submission, card: Card) -> Rating | None:
        if sent.attempt_id is None:
            return None
        attempt = self._attempts.get(sent.attempt_id)
        if attempt is None:
            raise attempt_not_found(sent.attempt_id)
        if attempt.deleted:
            return attempt.suggested_rating
        other_card = attempt.card_id is not None and attempt.card_id != card.id
        other_sentence = attempt.card_id is None and attempt.sentence_id != card.sentence_id
        if other_card or other_sentence:
            raise attempt_mismatch(sent.attempt_id, card.id)
        return attempt.suggested_rating


async def _attempts(
    uow: UnitOfWork, user_id: UserId, submissions: Sequence[Submission]
) -> Mapping[AttemptId, SpokenAttempt]:
    named = {each.attempt_id for each in submissions if each.attempt_id is not None}
    return await uow.spoken_attempts.find(user_id, named) if named else {}
