"""LearningService over a real port on a real database, at a time that tests set."""

from __future__ import annotations

import random
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import grpc
from google.protobuf.duration_pb2 import Duration
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.timestamp_pb2 import Timestamp
from sqlalchemy import insert, select, text, update

from kaiwa.learning.v1 import card_pb2, review_pb2, settings_pb2
from kaiwa.learning.v1 import learning_service_pb2 as pb
from kaiwa.learning.v1 import learning_service_pb2_grpc as rpc
from server.adapters.postgres.tables import CardRow, DailyStatsRow, SentenceRow, UserRow
from server.adapters.postgres.unit_of_work import PostgresUnitOfWork
from server.assembly.learning import learning_service
from server.kernel.identity import Role
from server.learning.domain.card import CardId
from server.learning.domain.replay import Subject, replay
from server.learning.recording import log_of
from server.rpc.wire import PageTokens
from tests.support.kernel import NOON, CountingIds, FixedClock
from tests.support.rpc import bearer, caller, serving

AGAIN, HARD, GOOD, EASY = (
    review_pb2.RATING_AGAIN,
    review_pb2.RATING_HARD,
    review_pb2.RATING_GOOD,
    review_pb2.RATING_EASY,
)
READING, LISTENING, SPEAKING = card_pb2.SKILL_READING, card_pb2.SKILL_LISTENING, card_pb2.SKILL_SPEAKING
MIKA = caller().user_id
OF_MIKA = bearer(Role.STUDENT)
PAGE_TOKENS = PageTokens(b"secret" * 8)


@dataclass
class Study:
    """A learner, their sentences and cards, and the service.

    Attributes:
        clock: the server's.
    """

    unit_of_work: Callable[[], PostgresUnitOfWork]
    stub: rpc.LearningServiceAsyncStub
    clock: FixedClock
    dice: random.Random = field(default_factory=lambda: random.Random(6))

    def new_id(self) -> str:
        """A UUID, the same in every run."""
        return str(uuid.UUID(int=self.dice.getrandbits(128), version=4))

    async def add_sentences(self, count: int = 1, **columns: object) -> list[str]:
        """Shared sentences; returns their ids."""
        ids = [self.new_id() for _ in range(count)]
        values = {
            "japanese": "学校へ行く。",
            "english": "I go to school.",
            "reading": "がっこうへいく。",
            "source": "custom",
            "visibility": "shared",
            "created_at": NOON,
            "updated_at": NOON,
        } | columns
        async with self.unit_of_work() as uow:
            await uow.session.execute(insert(SentenceRow), [{"id": each, **values} for each in ids])
            await uow.commit()
        return ids

    async def add_cards(
        self, count: int = 1, skills: Sequence[card_pb2.Skill.ValueType] = (READING,), **columns: object
    ) -> list[card_pb2.Card]:
        """Cards of `count` new sentences."""
        sentences = await self.add_sentences(count, **columns)
        added = await self.stub.AddCards(pb.AddCardsRequest(sentence_ids=sentences, skills=skills), metadata=OF_MIKA)
        return list(added.cards)

    def submission(
        self,
        card_id: str,
        rating: review_pb2.Rating.ValueType = GOOD,
        at: datetime | None = None,
        *,
        review_id: str = "",
        taken: timedelta | None = timedelta(seconds=5),
        filtered: bool = False,
    ) -> review_pb2.ReviewSubmission:
        """An answer; at the server's time unless another is given."""
        return review_pb2.ReviewSubmission(
            review_id=review_id or self.new_id(),
            card_id=card_id,
            rating=rating,
            client_time=stamp(self.clock.now() if at is None else at),
            time_taken=None if taken is None else length(taken),
            rating_source=review_pb2.RATING_SOURCE_LEARNER,
            without_rescheduling=filtered,
        )

    async def submit(self, submission: review_pb2.ReviewSubmission) -> pb.SubmitReviewResponse:
        """Sends an answer."""
        return await self.stub.SubmitReview(pb.SubmitReviewRequest(review=submission), metadata=OF_MIKA)

    async def review(
        self, card_id: str, rating: review_pb2.Rating.ValueType = GOOD, at: datetime | None = None
    ) -> pb.SubmitReviewResponse:
        """Answers a card."""
        return await self.submit(self.submission(card_id, rating, at))

    async def graduate(self, card_id: str) -> card_pb2.Card:
        """Answers a new card with EASY, which takes it to REVIEW."""
        return (await self.review(card_id, EASY)).card

    async def card(self, card_id: str) -> card_pb2.Card:
        """A card as it now stands."""
        return (await self.stub.GetCard(pb.GetCardRequest(card_id=card_id), metadata=OF_MIKA)).card

    async def queue(self, **wanted: object) -> pb.GetReviewQueueResponse:
        """The queue."""
        return await self.stub.GetReviewQueue(pb.GetReviewQueueRequest(**wanted), metadata=OF_MIKA)  # type: ignore[arg-type]

    async def set(self, *, reschedule: bool = False, **settings: object) -> pb.UpdateSettingsResponse:
        """Changes settings."""
        given = {name: value for name, value in settings.items() if value is not None}
        return await self.stub.UpdateSettings(
            pb.UpdateSettingsRequest(
                settings=settings_pb2.LearningSettings(**given),  # type: ignore[arg-type]
                update_mask=FieldMask(paths=sorted(settings)),
                reschedule_cards=reschedule,
            ),
            metadata=OF_MIKA,
        )

    async def move_to(self, time_zone: str, turn_hour: int = 4) -> None:
        """Changes how the learner's days are counted, as UpdateMe does."""
        async with self.unit_of_work() as uow:
            row = (
                await uow.session.execute(select(UserRow.time_zone, UserRow.day_turn_hour).where(UserRow.id == MIKA))
            ).one()
            await uow.session.execute(
                update(UserRow).where(UserRow.id == MIKA).values(time_zone=time_zone, day_turn_hour=turn_hour)
            )
            await uow.study_days.changed(
                MIKA, self.new_id(), (row.time_zone, row.day_turn_hour), (time_zone, turn_hour), self.clock.now()
            )
            await uow.commit()

    async def count(self, table: str) -> int:
        """How many rows there are."""
        async with self.unit_of_work() as uow:
            counted = await uow.session.execute(text(f"SELECT count(*) FROM {table}"))  # noqa: S608
            return int(counted.scalar_one())

    async def state(self) -> tuple[object, ...]:
        """All that is derived from the log, but for what tells when it was derived."""
        async with self.unit_of_work() as uow:
            ids = [CardId(each) for each in (await uow.session.execute(select(CardRow.id))).scalars()]
            cards = await uow.cards.get_many(MIKA, ids)
            figures = (
                await uow.session.execute(
                    select(*(c for c in DailyStatsRow.__table__.c if c.name != "updated_at")).order_by(
                        DailyStatsRow.day, DailyStatsRow.skill
                    )
                )
            ).all()
        return (
            tuple(sorted((card.id, card.progress) for card in cards)),
            tuple(tuple(map(repr, row)) for row in figures if _counts(row)),
        )

    async def check_replay(self) -> None:
        """Every card is the replay of its log from nothing."""
        async with self.unit_of_work() as uow:
            ids = [CardId(each) for each in (await uow.session.execute(select(CardRow.id))).scalars()]
            cards = await uow.cards.get_many(MIKA, ids)
            log = await log_of(uow, MIKA, ids)
            regimes = await uow.learning_settings.regimes(MIKA)
        for sentence in {card.sentence_id for card in cards}:
            group = [card for card in cards if card.sentence_id == sentence]
            events = [event for card in group for event in log.get(card.id, ())]
            replayed = replay(map(Subject.of, group), events, regimes).progress
            assert {card.id: card.progress for card in group} == replayed


def _counts(row: Sequence[object]) -> bool:
    """Whether a row of figures counts anything: one that was emptied is as good as none."""
    return any(any(value) if isinstance(value, list) else value for value in row[3:])


@asynccontextmanager
async def studying(
    unit_of_work: Callable[[], PostgresUnitOfWork], reading: Callable[[], PostgresUnitOfWork] | None = None
) -> AsyncIterator[Study]:
    """A learner called Mika, in UTC with days that turn at 4, and the service."""
    clock = FixedClock()
    async with unit_of_work() as uow:
        await uow.session.execute(
            insert(UserRow).values(
                id=MIKA, email="mika@example.org", username="mika", password_hash="x", created_at=NOON, updated_at=NOON
            )
        )
        await uow.commit()
    service = learning_service(unit_of_work, reading or unit_of_work, clock, CountingIds(), PAGE_TOKENS)
    async with serving([service]) as served:
        yield Study(unit_of_work, rpc.LearningServiceStub(served.channel), clock)


def stamp(at: datetime) -> Timestamp:
    """A time as the wire has it."""
    message = Timestamp()
    message.FromDatetime(at)
    return message


def length(of: timedelta) -> Duration:
    """A length of time as the wire has it."""
    message = Duration()
    message.FromTimedelta(of)
    return message


def moment(message: Timestamp) -> datetime:
    """A time from the wire."""
    return message.ToDatetime(tzinfo=UTC)


async def refused(call: grpc.aio.UnaryUnaryCall) -> grpc.aio.AioRpcError:  # type: ignore[type-arg]
    """How a call failed."""
    try:
        await call
    except grpc.aio.AioRpcError as error:
        return error
    raise AssertionError("the call succeeded")
