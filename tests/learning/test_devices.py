"""Three devices that were offline send their work over the port in different orders, and end with the same."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import text

from kaiwa.learning.v1 import learning_service_pb2 as pb
from kaiwa.learning.v1 import review_pb2
from server.adapters.postgres.unit_of_work import PostgresUnitOfWork
from tests.support.kernel import NOON
from tests.support.learning import (
    AGAIN,
    EASY,
    GOOD,
    HARD,
    LISTENING,
    MIKA,
    OF_MIKA,
    READING,
    Study,
    studying,
)


async def recorded(study: Study) -> tuple[list[review_pb2.ReviewSubmission], list[str]]:
    """What the devices gathered, and which answers of it were taken back."""
    cards = await study.add_cards(3, skills=(READING, LISTENING))
    reviews = [
        study.submission(
            study.dice.choice(cards).id,
            study.dice.choice((AGAIN, HARD, GOOD, GOOD, EASY)),
            NOON + timedelta(minutes=study.dice.randrange(60 * 24 * 40)),
            filtered=study.dice.random() < 0.1,
        )
        for _ in range(25)
    ]
    return reviews, [each.review_id for each in study.dice.sample(reviews, 3)]


async def arrive(
    study: Study, order: random.Random, reviews: list[review_pb2.ReviewSubmission], undone: list[str]
) -> None:
    waiting = list(reviews)
    order.shuffle(waiting)
    present: set[str] = set()
    while waiting:
        size = order.choice((1, 1, 3, 8))
        batch, waiting = waiting[:size], waiting[size:]
        if size == 1:
            await study.submit(batch[0])
        else:
            await study.stub.SubmitReviews(pb.SubmitReviewsRequest(reviews=batch), metadata=OF_MIKA)
        present |= {each.review_id for each in batch}
        if order.random() < 0.3:
            again = order.sample(reviews, 3)
            known = [each for each in again if each.review_id in present]
            if known:
                await study.stub.SubmitReviews(pb.SubmitReviewsRequest(reviews=known), metadata=OF_MIKA)
        for review_id in undone:
            if review_id in present and order.random() < 0.3:
                await study.stub.UndoReview(pb.UndoReviewRequest(review_id=review_id), metadata=OF_MIKA)
    for review_id in undone:
        await study.stub.UndoReview(pb.UndoReviewRequest(review_id=review_id), metadata=OF_MIKA)


@pytest.mark.parametrize("seed", range(4))
async def test_any_order_of_arrival_ends_the_same(unit_of_work: Callable[[], PostgresUnitOfWork], seed: int) -> None:
    ends = []
    for order in range(2):
        async with studying(unit_of_work) as study:
            study.dice = random.Random(seed)
            reviews, undone = await recorded(study)
            study.clock.advance(timedelta(days=41))
            await arrive(study, random.Random(100 * seed + order), reviews, undone)
            await study.check_replay()
            ends.append(await study.state())
            async with unit_of_work() as uow:
                await uow.session.execute(text("DELETE FROM users WHERE id = :id"), {"id": MIKA})
                await uow.session.execute(text("DELETE FROM sentences"))
                await uow.commit()
    assert ends[0] == ends[1]


async def test_devices_that_send_at_once_wait_for_each_other(study: Study) -> None:
    cards = await study.add_cards(2, skills=(READING, LISTENING))
    study.clock.advance(timedelta(days=10))
    reviews = [
        study.submission(study.dice.choice(cards).id, GOOD, NOON + timedelta(hours=study.dice.randrange(200)))
        for _ in range(12)
    ]

    answers = await asyncio.gather(*(study.submit(each) for each in [*reviews, *reviews[:6]]))

    assert await study.count("reviews") == 12
    sequences = {answer.review.review_id: answer.review.sequence for answer in answers}
    assert len(set(sequences.values())) == 12
    for first, repeated in zip(answers[:6], answers[12:], strict=True):
        assert first.review == repeated.review
    await study.check_replay()
