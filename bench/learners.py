"""Fills a database with learners by COPY: some are made by the service itself, all others are copies of theirs."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import psycopg
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from server.adapters.postgres.tables import AudioFileRow, SentenceRow, SessionRow, UserRow
from server.adapters.postgres.unit_of_work import unit_of_work_factory
from server.kernel.identity import Caller, Role, SessionId, UserId
from server.learning.add_cards import AddCards
from server.learning.domain.card import CardId, SentenceId, Skill
from server.learning.domain.review import Rating, RatingSource, ReviewId
from server.learning.domain.submission import Submission
from server.learning.reply import Reply
from server.learning.submit_reviews import SubmitReviews
from server.learning.update_settings import SettingsChange, UpdateSettings
from tests.support.kernel import FixedClock

CARDS, REVIEWS = 100, 500
"""Of each learner."""
SENTENCES = 20_000
"""In all; a table that fits into a few pages is read from end to end by any plan."""
MODELS = 8
FIRST_CARD, _FIRST_OTHER = 0x1000, 0x2000
"""Where the numbers of a learner's cards begin, and those of all else of theirs."""
_PAST = timedelta(days=120)
_NAMESPACE = "aaaaaaaa"
_TABLES = (
    "users",
    "sessions",
    "change_counters",
    "learning_settings",
    "settings_changes",
    "cards",
    "reviews",
    "daily_stats",
)


def learner(number: int) -> UserId:
    """The id of a learner, from 0."""
    return UserId(f"{number:08x}-0000-7000-8000-000000000001")


def session(number: int) -> SessionId:
    """The id of their session."""
    return SessionId(f"{number:08x}-0000-7000-8000-000000000002")


def _sentence(number: int) -> SentenceId:
    return SentenceId(f"{_NAMESPACE}-0000-7000-8000-{number:012x}")


class _Ids:
    """Ids of one learner's things: they begin with the learner's number, which a copy replaces."""

    def __init__(self, number: int, first: int) -> None:
        self._number = number
        self._made = first - 1

    def new_id(self) -> str:
        self._made += 1
        return str(uuid.UUID(f"{self._number:08x}-0000-7000-8000-{self._made:012x}"))


@dataclass(frozen=True, slots=True)
class Model:
    """A learner to make copies of.

    Attributes:
        mark: the first eight digits of all their ids.
        rows: of each table, in COPY's text form.
    """

    mark: bytes
    rows: dict[str, bytes]


async def make_models(engine: AsyncEngine, dsn: str, now: datetime) -> list[Model]:
    """Makes learners who have studied for four months, and takes them out again as rows.

    Args:
        engine: an empty, migrated database.
        dsn: the same database.
        now: when the last of their reviews was.
    """
    unit_of_work = unit_of_work_factory(engine)
    async with unit_of_work() as uow:
        rows = [
            {
                "id": _sentence(number),
                "japanese": "学校へ行く。",
                "english": "I go to school.",
                "reading": "がっこうへいく。",
                "difficulty": 1 + number % 10,
                "word_count": 3,
                "source": "custom",
                "visibility": "shared",
                "created_at": now - _PAST,
                "updated_at": now - _PAST,
            }
            for number in range(SENTENCES)
        ]
        await uow.session.execute(insert(SentenceRow), rows)
        # Recordings of sentences that nobody here has cards of: the answers are without, the plans are not.
        recordings = [
            {
                "id": f"{_NAMESPACE}-0000-7000-9000-{number:012x}",
                "object_key": f"sentences/{number}.flac",
                "size_bytes": 1,
                "duration_seconds": 1.0,
                "content_type": "audio/flac",
                "sample_rate_hertz": 48_000,
                "sentence_id": _sentence(number),
                "created_at": now - _PAST,
            }
            for number in range(MODELS * CARDS, SENTENCES)
        ]
        await uow.session.execute(insert(AudioFileRow), recordings)
        await uow.commit()
    models = []
    for index in range(MODELS):
        number = 0xE0000000 + index
        await _study(engine, number, index, now)
        models.append(_taken_out(dsn, number))
    return models


async def _study(engine: AsyncEngine, number: int, index: int, now: datetime) -> None:
    unit_of_work, clock, ids, dice = (
        unit_of_work_factory(engine),
        FixedClock(now - _PAST),
        _Ids(number, _FIRST_OTHER),
        random.Random(index),
    )
    mark = f"{number:08x}"
    async with unit_of_work() as uow:
        await uow.session.execute(
            insert(UserRow).values(
                id=learner(number),
                email=f"{mark}@example.org",
                username=mark,
                password_hash="x",  # noqa: S106
                created_at=clock.now(),
                updated_at=clock.now(),
            )
        )
        await uow.session.execute(
            insert(SessionRow).values(
                id=session(number),
                user_id=learner(number),
                created_at=clock.now(),
                refreshed_at=clock.now(),
                expires_at=now + timedelta(days=30),
            )
        )
        await uow.commit()
    caller = Caller(learner(number), Role.STUDENT, session(number), now + timedelta(days=30))
    wanted = SettingsChange(frozenset({"desired_retention"}), lambda before: replace(before, desired_retention=0.91))
    await UpdateSettings(unit_of_work, clock, ids)(caller, wanted, Reply(lambda stored: stored))
    sentences = [_sentence(index * CARDS + place) for place in range(CARDS)]
    added = await AddCards(unit_of_work, clock, _Ids(number, FIRST_CARD))(caller, sentences, [Skill.READING])
    clock.at = now
    # Seven in ten were begun; those were answered about seven times each.
    begun = [card.id for card in added.cards[: CARDS * 7 // 10]]
    answers = [_answer(ids, dice, CardId(dice.choice(begun)), now) for _ in range(REVIEWS)]
    await SubmitReviews(unit_of_work, clock)(caller, answers)


def _answer(ids: _Ids, dice: random.Random, card_id: CardId, now: datetime) -> Submission:
    return Submission(
        id=ReviewId(ids.new_id()),
        card_id=card_id,
        rating=Rating(dice.choice((1, 2, 3, 3, 3, 3, 4))),
        client_time=now - timedelta(days=1) - (_PAST - timedelta(days=1)) * dice.random(),
        time_taken=timedelta(milliseconds=dice.randrange(1000, 20_000)),
        rating_source=RatingSource.LEARNER,
        attempt_id=None,
        filtered=False,
    )


def _taken_out(dsn: str, number: int) -> Model:
    rows = {}
    with psycopg.connect(dsn) as connection:
        for table in _TABLES:
            key = "id" if table == "users" else "user_id"
            query = f"COPY (SELECT * FROM {table} WHERE {key} = '{learner(number)}') TO STDOUT"  # noqa: S608
            with connection.cursor().copy(query) as copy:
                rows[table] = b"".join(bytes(piece) for piece in copy)
        connection.execute("DELETE FROM users WHERE id = %s", [learner(number)])
    return Model(f"{number:08x}".encode(), rows)


def fill(admin_dsn: str, models: list[Model], learners: int, say: Callable[[str], None]) -> None:
    """Fills a database that has the models' sentences with learners, numbered from 0.

    Args:
        admin_dsn: of a superuser: references are not checked, as the copies have the models' own.
    """
    with psycopg.connect(admin_dsn, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("SET synchronous_commit = off")
        for table in _TABLES:
            with connection.cursor().copy(f"COPY {table} FROM STDIN") as copy:
                for piece in _copies(models, table, learners):
                    copy.write(piece)
            say(f"{learners} learners: {table} filled")
        connection.execute("VACUUM (ANALYZE)")


def _copies(models: list[Model], table: str, learners: int) -> Iterator[bytes]:
    for number in range(learners):
        model = models[number % len(models)]
        yield model.rows[table].replace(model.mark, f"{number:08x}".encode())
