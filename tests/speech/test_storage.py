"""What storage promises to speech, held by the fake and by PostgreSQL alike."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from sqlalchemy import func, insert, select

from server.adapters.postgres.tables import AttemptRow, AudioFileRow, CardRow, SentenceRow, UserRow
from server.adapters.postgres.unit_of_work import PostgresUnitOfWork
from server.errors import AlreadyExists
from server.kernel.paging import PageRequest
from server.speech.domain.assessment import Assessment, Scores, UnassessableReason
from server.speech.domain.attempt import Attempt, Purpose, SpeakingSession
from server.speech.domain.events import SuggestedRating, Transcript
from server.speech.storage import (
    AttemptFilter,
    LearnerDay,
    SessionFilter,
    UnitOfWorkFactory,
)
from tests.support.kernel import NOON
from tests.support.speech import (
    CARD,
    LEARNER,
    OTHER_LEARNER,
    SENTENCE,
    FakeSpeechDatabase,
    attempt,
    caller,
    full_assessment,
    session,
)

PRIVATE = replace(SENTENCE, id="0198c0de-0000-7000-9000-0000000000b2", reading="きょうわあめだ")
HOUR = timedelta(hours=1)


@dataclass
class Backend:
    """A database with two learners, a shared sentence, a private one of the other learner, and a card of the first."""

    open: UnitOfWorkFactory

    async def add(self, *made: Attempt) -> list[Attempt]:
        stored: list[Attempt] = []
        for one in made:
            async with self.open() as uow:
                stored.append(await uow.attempts.add(one))
                await uow.commit()
        return stored

    async def add_sessions(self, *made: SpeakingSession) -> None:
        async with self.open() as uow:
            for one in made:
                await uow.speaking_sessions.add(one)
            await uow.commit()

    async def attempts(self, wanted: AttemptFilter | None = None) -> list[str]:
        async with self.open() as uow:
            page = await uow.attempts.list(LEARNER, wanted or AttemptFilter(), PageRequest())
        return [one.id for one in page.items]

    async def sessions(self, wanted: SessionFilter | None = None) -> list[str]:
        async with self.open() as uow:
            page = await uow.speaking_sessions.list(LEARNER, wanted or SessionFilter(), PageRequest())
        return [one.id for one in page.items]


@pytest.fixture(params=["fake", "postgres"])
def opened(request: pytest.FixtureRequest) -> UnitOfWorkFactory:
    if request.param == "fake":
        return fake()
    factory: Callable[[], PostgresUnitOfWork] = request.getfixturevalue("unit_of_work")
    return factory


@pytest.fixture
async def backend(opened: UnitOfWorkFactory) -> Backend:
    if not isinstance(opened, FakeSpeechDatabase):
        async with opened() as uow:
            assert isinstance(uow, PostgresUnitOfWork)
            await fill(uow)
            await uow.commit()
    return Backend(opened)


def fake() -> FakeSpeechDatabase:
    database = FakeSpeechDatabase()
    database.state.sentences = {SENTENCE.id: (SENTENCE, None), PRIVATE.id: (PRIVATE, OTHER_LEARNER)}
    database.state.cards = {CARD: LEARNER}
    database.state.days = {LEARNER: LearnerDay("Asia/Tokyo", 3)}
    return database


async def fill(uow: PostgresUnitOfWork) -> None:
    for user_id, name in ((LEARNER, "mika"), (OTHER_LEARNER, "ken")):
        await uow.session.execute(
            insert(UserRow).values(
                id=user_id,
                email=f"{name}@example.org",
                username=name,
                password_hash="x",
                time_zone="Asia/Tokyo",
                day_turn_hour=3,
                created_at=NOON,
                updated_at=NOON,
            )
        )
    for sentence, owner in ((SENTENCE, None), (PRIVATE, OTHER_LEARNER)):
        await uow.session.execute(
            insert(SentenceRow).values(
                id=sentence.id,
                japanese=sentence.japanese,
                english=sentence.english,
                reading=sentence.reading or "キョーワアメダ",
                reading_origin="human" if sentence.reading else "analyzer",
                source="custom",
                owner_id=owner,
                visibility="private" if owner else "shared",
                created_at=NOON,
                updated_at=NOON,
            )
        )
    await uow.session.execute(
        insert(CardRow).values(
            id=CARD,
            user_id=LEARNER,
            sentence_id=SENTENCE.id,
            skill="speaking",
            new_position=1,
            sequence=1,
            created_at=NOON,
            updated_at=NOON,
        )
    )


async def test_an_attempt_comes_back_as_it_was(backend: Backend) -> None:
    made = attempt(
        sentence_id=SENTENCE.id,
        accepted_answers=("三時です", "三時だよ"),
        purpose=Purpose.REVIEW,
        card_id=CARD,
        suggested_rating=SuggestedRating.HARD,
    )
    assert await backend.add(made) == [made]
    async with backend.open() as uow:
        assert await uow.attempts.get(LEARNER, made.id) == made
        assert await uow.attempts.by_practice(LEARNER, made.practice_id) == made


@pytest.mark.parametrize(
    "changes",
    [
        {"assessment": None, "assessed_at": None, "audio": None, "transcript": Transcript()},
        {"assessment": Assessment(full_assessment().versions, UnassessableReason.NO_SPEECH)},
        {"assessment": Assessment(full_assessment().versions, scores=Scores(fluency=80.0))},
    ],
    ids=["nothing", "not assessable", "free speech"],
)
async def test_an_attempt_with_little_comes_back_as_it_was(backend: Backend, changes: dict[str, object]) -> None:
    made = attempt(1, **changes)
    await backend.add(made)
    async with backend.open() as uow:
        assert await uow.attempts.get(LEARNER, made.id) == made


async def test_one_practice_is_one_attempt(backend: Backend) -> None:
    first, second = attempt(1), attempt(2, practice_id=attempt(1).practice_id)
    assert await backend.add(first, second) == [first, first]
    assert await backend.attempts() == [first.id]
    others = attempt(3, user_id=OTHER_LEARNER, practice_id=first.practice_id, audio=None)
    assert await backend.add(others) == [others]


async def test_one_practice_is_one_attempt_also_at_once(backend: Backend) -> None:
    made = [attempt(n, practice_id=attempt(1).practice_id) for n in range(1, 6)]
    stored = await asyncio.gather(*(backend.add(one) for one in made))
    assert len({one.id for (one,) in stored}) == 1
    assert len(await backend.attempts()) == 1


async def test_attempts_at_a_target_are_counted_in_their_session(backend: Backend) -> None:
    await backend.add_sessions(session(1), session(2))
    one, two = session(1).id, session(2).id
    stored = await backend.add(
        attempt(1, session_id=one),
        attempt(2, session_id=one),
        attempt(3, session_id=two),
        attempt(4, session_id=one, reference_text="", accepted_answers=("三時です",)),
        attempt(5, session_id=one, reference_text="", accepted_answers=("三時だよ",)),
        attempt(6, session_id=one, reference_text="", accepted_answers=("三時です",)),
        attempt(7, session_id=one, reference_text=""),
        attempt(8, session_id=one, sentence_id=SENTENCE.id),
        attempt(9, session_id=one, sentence_id=SENTENCE.id, reference_text="edited meanwhile"),
        attempt(10),
    )
    assert [one.attempt_number for one in stored] == [1, 2, 1, 1, 1, 2, 1, 1, 2, 0]


async def test_attempts_at_once_are_counted_without_doubles(backend: Backend) -> None:
    await backend.add_sessions(session())
    made = [attempt(n, session_id=session().id) for n in range(1, 9)]
    stored = await asyncio.gather(*(backend.add(one) for one in made))
    assert sorted(one.attempt_number for (one,) in stored) == list(range(1, 9))


async def test_a_number_is_not_given_twice_after_a_deletion(backend: Backend) -> None:
    await backend.add_sessions(session())
    first, _ = await backend.add(attempt(1, session_id=session().id), attempt(2, session_id=session().id))
    async with backend.open() as uow:
        await uow.attempts.delete(LEARNER, first.id, NOON)
        await uow.commit()
    (third,) = await backend.add(attempt(3, session_id=session().id))
    assert third.attempt_number == 3


async def test_an_attempt_belongs_to_its_learner(backend: Backend) -> None:
    await backend.add(attempt())
    async with backend.open() as uow:
        assert await uow.attempts.get(OTHER_LEARNER, attempt().id) is None
        assert await uow.attempts.by_practice(OTHER_LEARNER, attempt().practice_id) is None
        assert await uow.attempts.delete(OTHER_LEARNER, attempt().id, NOON) is None
        assert (await uow.attempts.list(OTHER_LEARNER, AttemptFilter(), PageRequest())).items == ()
        assert await uow.attempts.audio_seconds_since(OTHER_LEARNER, NOON - HOUR) == 0


async def test_attempts_are_listed_in_outline_newest_first_page_by_page(backend: Backend) -> None:
    at_once = [attempt(n, created_at=NOON) for n in (1, 2, 3)]
    await backend.add(*at_once, attempt(4))
    seen: list[Attempt] = []
    after: tuple[str, ...] | None = None
    for _ in range(2):
        async with backend.open() as uow:
            page = await uow.attempts.list(LEARNER, AttemptFilter(), PageRequest(2, after))
        seen += page.items
        after = page.next
    assert after is None
    assert seen == [one.outline for one in (attempt(4), *reversed(at_once))]


async def test_attempts_are_filtered(backend: Backend) -> None:
    await backend.add_sessions(session())
    versions = full_assessment().versions
    await backend.add(
        attempt(1, sentence_id=SENTENCE.id),
        attempt(2, session_id=session().id),
        attempt(3, purpose=Purpose.REVIEW, card_id=CARD),
        attempt(4, assessment=Assessment(versions, UnassessableReason.CLIPPED)),
        attempt(5, assessment=None, assessed_at=None),
    )
    one, two, three, four, five = (attempt(n).id for n in range(1, 6))
    assert await backend.attempts(AttemptFilter(sentence_id=SENTENCE.id)) == [one]
    assert await backend.attempts(AttemptFilter(session_id=session().id)) == [two]
    assert await backend.attempts(AttemptFilter(card_id=CARD)) == [three]
    assert await backend.attempts(AttemptFilter(purpose=Purpose.REVIEW)) == [three]
    assert await backend.attempts(AttemptFilter(since=attempt(4).created_at)) == [five, four]
    assert await backend.attempts(AttemptFilter(until=attempt(2).created_at)) == [one]
    assert await backend.attempts(AttemptFilter(assessable_only=True)) == [three, two, one]
    assert await backend.attempts(AttemptFilter(assessable_only=True, purpose=Purpose.PRACTICE)) == [two, one]


async def test_a_deleted_attempt_is_emptied_and_still_counts_as_practice(backend: Backend) -> None:
    made = attempt(sentence_id=SENTENCE.id)
    await backend.add(made)
    async with backend.open() as uow:
        assert await uow.attempts.delete(LEARNER, made.id, NOON) == made
        await uow.commit()
    async with backend.open() as uow:
        assert await uow.attempts.get(LEARNER, made.id) is None
        again = await uow.attempts.delete(LEARNER, made.id, NOON)
        assert again is not None
        assert again.audio is None
        rest = await uow.attempts.by_practice(LEARNER, made.practice_id)
        assert rest is not None
        assert (rest.fingerprint, rest.transcript, rest.assessment, rest.audio, rest.reference_text) == (
            made.fingerprint,
            Transcript(),
            None,
            None,
            "",
        )
        assert await uow.attempts.audio_seconds_since(LEARNER, NOON) == made.audio_seconds
    assert await backend.attempts() == []
    assert await backend.add(made) == [rest]


async def test_deleting_what_never_was(backend: Backend) -> None:
    async with backend.open() as uow:
        assert await uow.attempts.delete(LEARNER, attempt().id, NOON) is None


async def test_practised_audio_is_summed_from_a_time_on(backend: Backend) -> None:
    await backend.add(attempt(1), attempt(2), attempt(3))
    async with backend.open() as uow:
        assert await uow.attempts.audio_seconds_since(LEARNER, attempt(2).created_at) == 5.0
        assert await uow.attempts.audio_seconds_since(LEARNER, NOON + HOUR) == 0.0


async def test_a_session_has_the_figures_of_its_attempts(backend: Backend) -> None:
    await backend.add_sessions(session(1, sentence_id=SENTENCE.id), session(2))
    scored = replace(full_assessment(), scores=Scores(overall=81.5, accuracy=66.5))
    await backend.add(
        attempt(1, session_id=session().id),
        attempt(2, session_id=session().id, assessment=scored),
        attempt(3, session_id=session().id, assessment=None, assessed_at=None),
        attempt(4, session_id=session().id),
        attempt(5),
    )
    async with backend.open() as uow:
        await uow.attempts.delete(LEARNER, attempt(4).id, NOON)
        found = await uow.speaking_sessions.get(LEARNER, session().id)
        page = await uow.speaking_sessions.list(LEARNER, SessionFilter(), PageRequest())
    averages = Scores(overall=76.5, accuracy=66.5, fluency=100.0, completeness=75.0)
    assert found == session(1, sentence_id=SENTENCE.id, attempt_count=3, audio_seconds=7.5, average_scores=averages)
    assert page.items == (session(2), found)


async def test_a_session_belongs_to_its_learner(backend: Backend) -> None:
    await backend.add_sessions(session())
    async with backend.open() as uow:
        await uow.speaking_sessions.end(OTHER_LEARNER, session().id, NOON + HOUR)
        await uow.speaking_sessions.end_forgotten(OTHER_LEARNER, NOON + HOUR)
        assert await uow.speaking_sessions.get(OTHER_LEARNER, session().id) is None
        assert await uow.speaking_sessions.get(LEARNER, session().id) == session()


async def test_a_session_ends_once(backend: Backend) -> None:
    await backend.add_sessions(session())
    async with backend.open() as uow:
        await uow.speaking_sessions.end(LEARNER, session().id, NOON + HOUR)
        await uow.speaking_sessions.end(LEARNER, session().id, NOON + 2 * HOUR)
        assert await uow.speaking_sessions.get(LEARNER, session().id) == session(ended_at=NOON + HOUR)


async def test_forgotten_sessions_end_with_their_last_attempt(backend: Backend) -> None:
    later = session(4, started_at=NOON + HOUR)
    await backend.add_sessions(session(1), session(2), session(3), later)
    await backend.add(
        attempt(1, session_id=session(1).id, created_at=NOON + timedelta(minutes=5)),
        attempt(2, session_id=session(1).id, created_at=NOON + timedelta(minutes=9)),
        attempt(3, session_id=session(3).id, created_at=NOON + timedelta(minutes=50)),
    )
    async with backend.open() as uow:
        await uow.speaking_sessions.end_forgotten(LEARNER, NOON + timedelta(minutes=30))
        await uow.commit()
    async with backend.open() as uow:
        page = await uow.speaking_sessions.list(LEARNER, SessionFilter(), PageRequest())
    assert [one.ended_at for one in page.items] == [
        None,
        None,
        session(2).started_at,
        NOON + timedelta(minutes=9),
    ]


async def test_sessions_are_filtered_and_paged(backend: Backend) -> None:
    await backend.add_sessions(
        session(1, sentence_id=SENTENCE.id),
        session(2, purpose=Purpose.REVIEW),
        session(3, ended_at=NOON + HOUR),
    )
    one, two, three = (session(n).id for n in (1, 2, 3))
    assert await backend.sessions() == [three, two, one]
    assert await backend.sessions(SessionFilter(sentence_id=SENTENCE.id)) == [one]
    assert await backend.sessions(SessionFilter(purpose=Purpose.REVIEW)) == [two]
    assert await backend.sessions(SessionFilter(since=session(2).started_at)) == [three, two]
    assert await backend.sessions(SessionFilter(until=session(2).started_at)) == [one]
    assert await backend.sessions(SessionFilter(open_only=True)) == [two, one]
    async with backend.open() as uow:
        first = await uow.speaking_sessions.list(LEARNER, SessionFilter(), PageRequest(2))
        second = await uow.speaking_sessions.list(LEARNER, SessionFilter(), PageRequest(2, first.next))
    assert [s.id for s in (*first.items, *second.items)] == [three, two, one]
    assert second.next is None


async def test_sentences_that_a_learner_may_practise(backend: Backend) -> None:
    nowhere = "0198c0de-0000-7000-9000-0000000000bf"
    async with backend.open() as uow:
        assert await uow.practice_sentences.find_for_practice(caller(), SENTENCE.id) == SENTENCE
        assert await uow.practice_sentences.find_for_practice(caller(), PRIVATE.id) is None
        assert await uow.practice_sentences.find_for_practice(caller(OTHER_LEARNER), PRIVATE.id) == PRIVATE
        assert await uow.practice_sentences.find_for_practice(caller(), nowhere) is None


async def test_cards_and_days(backend: Backend) -> None:
    async with backend.open() as uow:
        assert await uow.practice_cards.owns(LEARNER, CARD)
        assert not await uow.practice_cards.owns(OTHER_LEARNER, CARD)
        assert not await uow.practice_cards.owns(LEARNER, SENTENCE.id)
        assert await uow.learners.day_of(LEARNER) == LearnerDay("Asia/Tokyo", 3)


async def test_a_request_id_stands_for_one_request(backend: Backend) -> None:
    request_id = "0198c0de-0000-7000-9000-0000000000e1"
    async with backend.open() as uow:
        assert await uow.idempotency.claim(LEARNER, "/m", request_id, b"a" * 32, NOON) is None
        await uow.idempotency.store(LEARNER, "/m", request_id, b"first")
        await uow.commit()
    async with backend.open() as uow:
        assert await uow.idempotency.claim(LEARNER, "/m", request_id, b"a" * 32, NOON) == b"first"
    with pytest.raises(AlreadyExists):
        async with backend.open() as uow:
            await uow.idempotency.claim(LEARNER, "/m", request_id, b"b" * 32, NOON)


async def test_what_is_not_committed_is_not_there(backend: Backend) -> None:
    async with backend.open() as uow:
        await uow.attempts.add(attempt())
    assert await backend.attempts() == []


async def test_rounding_beyond_a_range_does_not_lose_an_attempt(unit_of_work: Callable[[], PostgresUnitOfWork]) -> None:
    beyond = replace(full_assessment(), scores=Scores(overall=100 + 1e-12))
    made = attempt(assessment=beyond, transcript=Transcript("あ", "ア", 1 + 1e-12, "ja"), audio=None)
    async with unit_of_work() as uow:
        await fill(uow)
        stored = await uow.attempts.add(made)
    assert stored.assessment is not None
    assert (stored.assessment.scores.overall, stored.transcript.confidence) == (100.0, 1.0)


async def test_rows_say_in_columns_what_reports_ask_for(unit_of_work: Callable[[], PostgresUnitOfWork]) -> None:
    async with unit_of_work() as uow:
        await fill(uow)
        await uow.attempts.add(attempt())
        row = (await uow.session.execute(select(AttemptRow))).scalar_one()
        file = (await uow.session.execute(select(AudioFileRow))).scalar_one()
        assert (row.transcript, row.overall, row.prosody, row.assessable) == ("今日は", 71.5, None, True)
        assert [word["word"]["text"] for word in row.word_scores or []] == ["今日", "は"]
        assert (row.audio_file_id, file.user_id, file.duration_seconds) == (file.id, LEARNER, 2.5)
        await uow.attempts.delete(LEARNER, attempt().id, NOON)
        assert (await uow.session.execute(select(func.count()).select_from(AudioFileRow))).scalar_one() == 0
