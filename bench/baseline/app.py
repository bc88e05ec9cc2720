"""The seed architecture's two endpoints of learning as it describes them, to measure Kaiwa against.

FastAPI, SQLModel, asyncpg and uvicorn, one process; modified SM-2; a JWT and the user's row for each call. It works on
Kaiwa's own tables, so both do the same work on the same rows: the queue is the due cards with their sentences and what
each rating would give, within the day's limits; a review is logged, moves its card, and is counted in the figures of
its day, in one transaction under the learner's lock. Started by `bench.learning`; never a part of the product.

    BASELINE_DATABASE_URL=postgresql+asyncpg://... BASELINE_SECRET=... uvicorn bench.baseline.app:app
"""

from __future__ import annotations

import os
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any
from uuid import UUID

import jwt
from fastapi import Depends, FastAPI, Header, HTTPException
from pydantic import BaseModel
from sqlalchemy import ARRAY, DateTime, event, func, text
from sqlalchemy import Column as SqlColumn
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlmodel import Field, Integer, SQLModel, select

ENGINE = create_async_engine(os.environ["BASELINE_DATABASE_URL"], pool_size=20, max_overflow=0)
SECRET = os.environ["BASELINE_SECRET"]
SESSIONS = async_sessionmaker(ENGINE, expire_on_commit=False)
COUNTED = {"statements": 0, "calls": 0}
RATINGS = {1: "again", 2: "hard", 3: "good", 4: "easy"}

app = FastAPI()


@event.listens_for(ENGINE.sync_engine, "before_cursor_execute")
def _count(*_: object) -> None:
    COUNTED["statements"] += 1


def _instant(**options: Any) -> Any:
    return Field(sa_column=SqlColumn(DateTime(timezone=True), **options))


class User(SQLModel, table=True):
    """An account."""

    __tablename__ = "users"
    id: UUID = Field(primary_key=True)
    username: str
    time_zone: str
    day_turn_hour: int
    active: bool


class Sentence(SQLModel, table=True):
    """A sentence."""

    __tablename__ = "sentences"
    id: UUID = Field(primary_key=True)
    japanese: str
    english: str
    reading: str | None
    difficulty: int | None
    word_count: int | None
    source: str


class UserProgress(SQLModel, table=True):
    """A card."""

    __tablename__ = "cards"
    id: UUID = Field(primary_key=True)
    user_id: UUID
    sentence_id: UUID = Field(foreign_key="sentences.id")
    skill: str
    state: str
    step: int | None
    due_at: datetime | None = _instant(nullable=True)
    due_day: date | None
    base_due_day: date | None
    memory_day: date | None
    interval_seconds: int | None
    ease_factor: float | None
    reps: int
    lapses: int
    times_correct: int
    times_incorrect: int
    current_streak: int
    best_streak: int
    timed_answers: int
    total_response_ms: int
    suspended: bool
    new_position: int
    buried_until_day: date | None
    last_review_at: datetime | None = _instant(nullable=True)
    last_answer_day: date | None
    last_event_at: datetime | None = _instant(nullable=True)
    sequence: int
    created_at: datetime = _instant(nullable=False)
    updated_at: datetime = _instant(nullable=False)
    deleted_at: datetime | None = _instant(nullable=True)


class Review(SQLModel, table=True):
    """An entry of the log."""

    __tablename__ = "reviews"
    user_id: UUID = Field(primary_key=True)
    id: UUID = Field(primary_key=True)
    card_id: UUID
    kind: str
    rating: int
    client_time: datetime = _instant(nullable=False)
    effective_at: datetime = _instant(nullable=False)
    received_at: datetime = _instant(nullable=False)
    time_taken_ms: int | None
    rating_source: str
    scheduler: str
    scheduler_version: str
    state_before: str
    given_state: str
    given_interval_seconds: int | None
    given_due_day: date | None
    given_ease_factor: float | None
    undone_at: datetime | None = _instant(nullable=True)
    sequence: int


class DailyStats(SQLModel, table=True):
    """A day's figures."""

    __tablename__ = "daily_stats"
    user_id: UUID = Field(primary_key=True)
    day: date = Field(primary_key=True)
    skill: str = Field(primary_key=True)
    cards_reviewed: int
    cards_learned: int
    new_cards_introduced: int
    cards_graduated: int
    timed_answers: int
    studied_ms: int
    buttons: list[int] = Field(sa_column=SqlColumn(ARRAY(Integer)))
    hour_answers: list[int] = Field(sa_column=SqlColumn(ARRAY(Integer)))
    hour_correct: list[int] = Field(sa_column=SqlColumn(ARRAY(Integer)))
    updated_at: datetime = _instant(nullable=False)


class ReviewIn(BaseModel):
    """An answer."""

    review_id: UUID
    card_id: UUID
    rating: int
    client_time: datetime
    time_taken_ms: int


async def session() -> Any:
    """A session for a call."""
    async with SESSIONS() as opened:
        yield opened


Database = Annotated[AsyncSession, Depends(session)]


async def current_user(database: Database, authorization: Annotated[str, Header()]) -> User:
    """Who calls."""
    try:
        claims = jwt.decode(authorization.removeprefix("Bearer "), SECRET, algorithms=["HS256"])
    except jwt.PyJWTError:
        raise HTTPException(401) from None
    user = await database.get(User, UUID(claims["sub"]))
    if user is None or not user.active:
        raise HTTPException(401)
    return user


Me = Annotated[User, Depends(current_user)]


@app.get("/statements")
async def statements() -> dict[str, int]:
    """How many statements calls have run."""
    return COUNTED


@app.get("/api/v1/learning/review-queue")
async def review_queue(user: Me, database: Database, limit: int = 20) -> dict[str, Any]:
    """What to study now."""
    COUNTED["calls"] += 1
    now = datetime.now(UTC)
    today = now.date()
    start = datetime.combine(today, time(user.day_turn_hour), UTC)
    settings = (
        await database.execute(
            text("SELECT new_cards_per_day, reviews_per_day FROM learning_settings WHERE user_id = :id"),
            {"id": user.id},
        )
    ).one_or_none()
    most_new, most_reviews = settings or (20, 200)
    done_new, done_reviews = (
        await database.execute(
            select(
                func.count(Review.card_id.distinct()).filter(Review.state_before == "new"),
                func.count(Review.card_id.distinct()).filter(Review.kind == "review"),
            ).where(Review.user_id == user.id, Review.effective_at >= start, Review.undone_at.is_(None))
        )
    ).one()
    cards = (
        select(UserProgress, Sentence, func.count().over())
        .join(Sentence)
        .where(
            UserProgress.user_id == user.id,
            UserProgress.suspended.is_(False),
            UserProgress.deleted_at.is_(None),
            (UserProgress.buried_until_day.is_(None)) | (UserProgress.buried_until_day <= today),
        )
    )
    learning = (
        await database.execute(
            cards.where(UserProgress.state.in_(("learning", "relearning")), UserProgress.due_at < now).order_by(
                UserProgress.due_at
            )
        )
    ).all()
    due = (
        await database.execute(
            cards.where(UserProgress.state == "review", UserProgress.due_day <= today)
            .order_by(UserProgress.due_day)
            .limit(max(0, min(limit, most_reviews - done_reviews)))
        )
    ).all()
    new = (
        await database.execute(
            cards.where(UserProgress.state == "new")
            .order_by(UserProgress.new_position)
            .limit(max(0, min(limit, most_new - done_new)))
        )
    ).all()
    queue = [*learning, *due, *new][:limit]
    return {
        "cards": [
            {
                "card": _shown(card),
                "sentence": sentence.model_dump(mode="json"),
                "previews": [{"rating": name, **_preview(card, rating, now)} for rating, name in RATINGS.items()],
            }
            for card, sentence, _ in queue
        ],
        "due_reviews": due[0][2] if due else 0,
        "due_learning": len(learning),
        "new_cards": min(new[0][2] if new else 0, most_new),
        "queue_time": now.isoformat(),
    }


@app.post("/api/v1/learning/review")
async def submit_review(user: Me, database: Database, answer: ReviewIn) -> dict[str, Any]:
    """Records an answer."""
    COUNTED["calls"] += 1
    now = datetime.now(UTC)
    sequence = (
        await database.execute(
            text(
                "INSERT INTO change_counters AS c (user_id, last_sequence) VALUES (:id, 1) "
                "ON CONFLICT (user_id) DO UPDATE SET last_sequence = c.last_sequence + 1 RETURNING last_sequence"
            ),
            {"id": user.id},
        )
    ).scalar_one()
    known = await database.get(Review, (user.id, answer.review_id))
    if known is not None:
        return {"review": known.model_dump(mode="json")}
    card = (
        await database.execute(
            select(UserProgress).where(UserProgress.id == answer.card_id, UserProgress.user_id == user.id)
        )
    ).scalar_one_or_none()
    if card is None:
        raise HTTPException(404)
    before, first_today = card.state, card.last_answer_day != now.date()
    outcome = _sm2(card, answer.rating)
    correct = answer.rating > 1
    card.state, card.ease_factor = "review", outcome["ease_factor"]
    card.interval_seconds, card.step, card.due_at = outcome["interval_days"] * 86_400, None, None
    card.due_day = card.base_due_day = now.date() + timedelta(days=outcome["interval_days"])
    card.memory_day = card.last_answer_day = now.date()
    card.last_review_at = card.last_event_at = card.updated_at = now
    card.reps += 1
    card.times_correct += correct
    card.times_incorrect += not correct
    card.current_streak = card.current_streak + 1 if correct else 0
    card.best_streak = max(card.best_streak, card.current_streak)
    card.timed_answers += 1
    card.total_response_ms += answer.time_taken_ms
    card.sequence = sequence
    review = Review(
        user_id=user.id,
        id=answer.review_id,
        card_id=card.id,
        kind={"new": "learning"}.get(before, before),
        rating=answer.rating,
        client_time=answer.client_time,
        effective_at=min(answer.client_time, now),
        received_at=now,
        time_taken_ms=answer.time_taken_ms,
        rating_source="learner",
        scheduler="sm2",
        scheduler_version="sm2 1",
        state_before=before,
        given_state="review",
        given_interval_seconds=card.interval_seconds,
        given_due_day=card.due_day,
        given_ease_factor=card.ease_factor,
        undone_at=None,
        sequence=sequence,
    )
    database.add(review)
    await database.execute(_counted(user.id, card, answer, before, now, first_today=first_today))
    await database.commit()
    return {"review": review.model_dump(mode="json"), "card": _shown(card)}


def _counted(
    user_id: UUID, card: UserProgress, answer: ReviewIn, before: str, now: datetime, *, first_today: bool
) -> Any:
    row = {"new": 0, "learning": 0, "relearning": 3}.get(before, 1)
    buttons = [int(place == row * 4 + answer.rating - 1) for place in range(20)]
    hours = [int(hour == now.hour) for hour in range(24)]
    values = {
        "user_id": user_id,
        "day": now.date(),
        "skill": card.skill,
        "cards_reviewed": int(first_today),
        "cards_learned": 0,
        "new_cards_introduced": int(before == "new"),
        "cards_graduated": int(before in ("new", "learning")),
        "timed_answers": 1,
        "studied_ms": answer.time_taken_ms,
        "buttons": buttons,
        "hour_answers": hours,
        "hour_correct": hours if answer.rating > 1 else [0] * 24,
        "updated_at": now,
    }
    added = insert(DailyStats).values(**values)
    sums = {
        name: getattr(DailyStats, name) + getattr(added.excluded, name)
        for name in ("cards_reviewed", "new_cards_introduced", "cards_graduated", "timed_answers", "studied_ms")
    }
    sums |= {
        name: text(
            f"(SELECT array_agg(a + b ORDER BY n) FROM unnest(daily_stats.{name}, excluded.{name}) "  # noqa: S608
            "WITH ORDINALITY AS pair (a, b, n))"
        )
        for name in ("buttons", "hour_answers", "hour_correct")
    }
    return added.on_conflict_do_update(index_elements=["user_id", "day", "skill"], set_={**sums, "updated_at": now})


def _shown(card: UserProgress) -> dict[str, Any]:
    answers = card.times_correct + card.times_incorrect
    return {
        **card.model_dump(mode="json"),
        "accuracy_rate": card.times_correct / answers if answers else None,
        "average_response_time": card.total_response_ms / card.timed_answers / 1000 if card.timed_answers else None,
    }


def _preview(card: UserProgress, rating: int, now: datetime) -> dict[str, Any]:
    outcome = _sm2(card, rating)
    return {**outcome, "due_day": (now.date() + timedelta(days=outcome["interval_days"])).isoformat()}


def _sm2(card: UserProgress, rating: int) -> dict[str, Any]:
    """The seed's modified SM-2."""
    ease = max(1.3, (card.ease_factor or 2.5) + (-0.2, -0.15, 0.0, 0.15)[rating - 1])
    days = max(1, (card.interval_seconds or 0) // 86_400)
    interval = 1 if rating == 1 else max(days + 1, round(days * (1.2 if rating == 2 else ease)))
    return {"ease_factor": ease, "interval_days": min(interval, 36_500), "state": "review"}
