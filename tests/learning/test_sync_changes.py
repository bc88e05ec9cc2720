"""SyncChanges tells a device everything once, and what it must hold then."""

from __future__ import annotations

from datetime import timedelta

import grpc
import pytest
from sqlalchemy import text

from kaiwa.learning.v1 import learning_service_pb2 as pb
from kaiwa.learning.v1 import sync_pb2
from tests.support.learning import AGAIN, EASY, GOOD, LISTENING, OF_MIKA, READING, Study, refused
from tests.support.rpc import failure_of


class Device:
    """Keeps what it is told."""

    def __init__(self, study: Study, page_size: int = 0) -> None:
        self._study = study
        self._page_size = page_size
        self.cursor = ""
        self.cards: dict[str, object] = {}
        self.reviews: dict[str, object] = {}
        self.settings: object = None

    async def sync(self) -> sync_pb2.SanityCounts:
        while True:
            request = pb.SyncChangesRequest(cursor=self.cursor, page_size=self._page_size)
            answer = await self._study.stub.SyncChanges(request, metadata=OF_MIKA)
            sequences = [change.sequence for change in answer.changes]
            assert sequences == sorted(sequences)
            for change in answer.changes:
                self._apply(change)
            self.cursor = answer.next_cursor
            if not answer.has_more:
                assert len(self.cards) == answer.counts.cards
                assert len(self.reviews) == answer.counts.reviews
                return answer.counts

    def _apply(self, change: sync_pb2.Change) -> None:
        match change.WhichOneof("change"):
            case "card":
                self.cards[change.card.id] = change.card
            case "review":
                self.reviews[change.review.review_id] = change.review
            case "settings":
                self.settings = change.settings
            case "tombstone":
                self.reviews.pop(change.tombstone.id, None)
                assert change.tombstone.HasField("delete_time")


@pytest.mark.parametrize("page_size", [1, 3, 0])
async def test_devices_that_follow_hold_what_the_server_holds(study: Study, page_size: int) -> None:
    following, slow = Device(study, page_size), Device(study, page_size)
    cards = await study.add_cards(4, skills=(READING, LISTENING))
    await following.sync()
    for step in range(12):
        study.clock.advance(timedelta(hours=7))
        done = await study.review(study.dice.choice(cards).id, study.dice.choice((AGAIN, GOOD, EASY)))
        if step % 4 == 3:
            await study.stub.UndoReview(pb.UndoReviewRequest(review_id=done.review.review_id), metadata=OF_MIKA)
        if step % 5 == 0:
            await following.sync()
    await study.set(new_cards_per_day=5)
    await study.stub.SuspendCards(pb.SuspendCardsRequest(card_ids=[cards[0].id]), metadata=OF_MIKA)

    counts = await following.sync()
    assert await slow.sync() == counts

    assert following.cards == slow.cards
    assert following.reviews == slow.reviews
    assert following.settings == slow.settings
    assert following.settings.new_cards_per_day == 5  # type: ignore[attr-defined]
    for card_id, card in slow.cards.items():
        assert card == await study.card(card_id)
    assert (counts.cards, counts.suspended_cards, counts.reviews) == (8, 1, 9)
    assert counts.new_cards + counts.learning_cards + counts.review_cards == 8


async def test_nothing_new_comes_twice(study: Study) -> None:
    await study.add_cards(2)
    first = await study.stub.SyncChanges(pb.SyncChangesRequest(), metadata=OF_MIKA)
    assert len(first.changes) == 2
    second = await study.stub.SyncChanges(pb.SyncChangesRequest(cursor=first.next_cursor), metadata=OF_MIKA)
    assert len(second.changes) == 0
    assert second.next_cursor == first.next_cursor
    assert second.counts == first.counts


@pytest.mark.parametrize("cursor", ["x", "AAAA" * 20])
async def test_a_cursor_that_is_not_the_server_s_is_refused(study: Study, cursor: str) -> None:
    request = pb.SyncChangesRequest(cursor=cursor)
    error = failure_of(await refused(study.stub.SyncChanges(request, metadata=OF_MIKA)))
    assert (error.code, error.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "ERROR_REASON_SYNC_CURSOR_INVALID")
    assert error.metadata == {"field": "cursor"}


async def test_a_cursor_from_before_a_restored_backup_is_refused(study: Study) -> None:
    await study.add_cards(1)
    answer = await study.stub.SyncChanges(pb.SyncChangesRequest(), metadata=OF_MIKA)
    async with study.unit_of_work() as uow:
        await uow.session.execute(text("UPDATE change_counters SET last_sequence = 0"))
        await uow.commit()
    request = pb.SyncChangesRequest(cursor=answer.next_cursor)
    error = failure_of(await refused(study.stub.SyncChanges(request, metadata=OF_MIKA)))
    assert error.reason == "ERROR_REASON_SYNC_CURSOR_INVALID"
