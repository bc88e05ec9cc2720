"""GetReviewQueue: learning, then the most forgotten, then new ones, within the day's limits."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

from google.type.date_pb2 import Date
from sqlalchemy import update

from kaiwa.learning.v1 import card_pb2, queue_pb2, settings_pb2
from server.adapters.postgres.tables import SentenceRow
from tests.support.kernel import NOON
from tests.support.learning import AGAIN, EASY, GOOD, HARD, LISTENING, READING, Study, length, moment


def ids(queue: object) -> list[str]:
    return [each.card.id for each in queue.cards]  # type: ignore[attr-defined]


async def test_learning_comes_first_then_the_most_forgotten_then_new(study: Study) -> None:
    strong, weak, learning, new = await study.add_cards(4)
    await study.review(strong.id, EASY)
    await study.review(weak.id, GOOD)
    study.clock.advance(timedelta(minutes=10))
    await study.review(weak.id, GOOD)
    study.clock.advance(timedelta(days=20))
    await study.review(learning.id, AGAIN)
    study.clock.advance(timedelta(minutes=1))

    queue = await study.queue()

    assert ids(queue) == [learning.id, weak.id, strong.id, new.id]
    assert queue.cards[1].retrievability < queue.cards[2].retrievability
    assert not queue.cards[3].HasField("retrievability")
    assert [each.sentence.japanese for each in queue.cards] == ["学校へ行く。"] * 4
    assert {each.sentence.id for each in queue.cards} == {each.sentence_id for each in (strong, weak, learning, new)}
    assert (queue.counts.due_learning, queue.counts.due_reviews, queue.counts.new_cards) == (1, 2, 1)
    assert queue.day == Date(year=2026, month=12, day=13)
    assert moment(queue.day_end_time) == NOON.replace(month=12, day=14, hour=4)


async def test_previews_are_what_a_review_at_the_queue_time_gives(study: Study) -> None:
    cards = await study.add_cards(4)
    for card in cards:
        await study.review(card.id, EASY)
    study.clock.advance(timedelta(days=30))
    queue = await study.queue()
    assert len(queue.cards) == 4
    for queued, rating in zip(queue.cards, (AGAIN, HARD, GOOD, EASY), strict=True):
        preview = next(each for each in queued.previews if each.rating == rating)
        study.clock.advance(timedelta(seconds=20))
        given = (await study.submit(study.submission(queued.card.id, rating, moment(queue.queue_time)))).review.given
        assert (preview.interval, preview.due_time, preview.due_day, preview.state) == (
            given.interval,
            given.due_time,
            given.due_day,
            given.state_after,
        )
        assert [each.rating for each in queued.previews] == [AGAIN, HARD, GOOD, EASY]


async def test_the_day_s_limits_hold_back_and_today_s_take_their_place(study: Study) -> None:
    await study.set(new_cards_per_day=2, reviews_per_day=1)
    cards = await study.add_cards(6)
    for card in cards[:3]:
        await study.graduate(card.id)
    study.clock.advance(timedelta(days=60))
    queue = await study.queue()
    assert len(queue.cards) == 3
    assert (queue.counts.due_reviews, queue.counts.held_back_reviews) == (1, 2)
    assert (queue.counts.new_cards, queue.counts.held_back_new_cards) == (2, 1)
    await study.review(queue.cards[0].card.id)
    await study.review(queue.cards[1].card.id, EASY)
    queue = await study.queue()
    assert len(queue.cards) == 1
    assert queue.cards[0].card.state == card_pb2.CARD_STATE_NEW
    await study.set(today_limits=settings_pb2.DayLimits(day=Date(year=2027, month=1, day=22), new_cards=0, reviews=3))
    assert {each.card.state for each in (await study.queue()).cards} == {card_pb2.CARD_STATE_REVIEW}
    study.clock.advance(timedelta(days=1))
    assert len((await study.queue()).cards) == 3


async def test_siblings_come_apart(study: Study) -> None:
    first = await study.add_cards(skills=(READING, LISTENING))
    second = await study.add_cards(skills=(READING, LISTENING))
    assert ids(await study.queue()) == [first[0].id, second[0].id]
    await study.set(bury_siblings=False)
    queue = await study.queue()
    sentences = [each.card.sentence_id for each in queue.cards]
    assert len(sentences) == 4
    assert all(one != other for one, other in pairwise(sentences))


async def test_a_step_is_shown_early_only_within_the_learn_ahead_and_last(study: Study) -> None:
    card, new = await study.add_cards(2)
    await study.review(card.id, GOOD)
    queue = await study.queue()
    assert ids(queue) == [new.id, card.id]
    assert moment(queue.next_learning_due_time) == NOON + timedelta(minutes=10)
    await study.set(learn_ahead=length(timedelta()))
    queue = await study.queue()
    assert ids(queue) == [new.id]
    assert (queue.counts.due_learning, queue.counts.later_today) == (0, 1)


async def test_filters_narrow_cards_and_counts(study: Study) -> None:
    await study.add_cards(difficulty=2, tags=["food"])
    wanted = await study.add_cards(difficulty=8, tags=["work"], skills=(READING, LISTENING))
    queue = await study.queue(filter=queue_pb2.CardFilter(tags=["work"], skills=[LISTENING]))
    assert ids(queue) == [wanted[1].id]
    assert queue.counts.new_cards == 1


async def test_the_easiest_can_come_first(study: Study) -> None:
    (hard,) = await study.add_cards(difficulty=9)
    (unrated,) = await study.add_cards()
    (easy,) = await study.add_cards(difficulty=1)
    assert ids(await study.queue()) == [hard.id, unrated.id, easy.id]
    await study.set(new_card_order=settings_pb2.NEW_CARD_ORDER_EASIEST_FIRST)
    assert ids(await study.queue()) == [easy.id, hard.id, unrated.id]


async def test_a_sentence_that_is_gone_is_in_no_queue(study: Study) -> None:
    (card,) = await study.add_cards()
    async with study.unit_of_work() as uow:
        await uow.session.execute(update(SentenceRow).where(SentenceRow.id == card.sentence_id).values(deleted_at=NOON))
        await uow.commit()
    queue = await study.queue()
    assert ids(queue) == []
    assert queue.counts.new_cards == 0


async def test_practice_without_rescheduling_has_all_that_were_answered(study: Study) -> None:
    await study.set(reviews_per_day=0)
    answered, other, new = await study.add_cards(3)
    await study.graduate(answered.id)
    study.clock.advance(timedelta(days=2))
    await study.graduate(other.id)
    queue = await study.queue(without_rescheduling=True)
    assert ids(queue) == [answered.id, other.id]
    assert new.id not in ids(queue)
    assert all(len(each.previews) == 0 for each in queue.cards)


async def test_reading_the_queue_changes_nothing(study: Study) -> None:
    await study.add_cards(3)
    first = await study.queue(limit=2)
    assert await study.queue(limit=2) == first
    assert len(first.cards) == 2
    assert first.counts.new_cards == 3
