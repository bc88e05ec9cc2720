"""The learners' attempts."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, delete, func, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import defer

from server.adapters.postgres.documents import dump, load
from server.adapters.postgres.tables import AttemptRow, AudioFileRow, SpeakingSessionRow
from server.kernel.identity import UserId
from server.kernel.paging import Page, PageRequest
from server.speech.domain.assessment import (
    Assessment,
    Finding,
    Fluency,
    Insertion,
    MoraJudgement,
    Prosody,
    Scores,
    UnassessableReason,
    Versions,
    WordJudgement,
)
from server.speech.domain.attempt import Attempt, Purpose, StoredAudio
from server.speech.domain.events import SuggestedRating, Transcript, TranscriptSegment
from server.speech.storage import AttemptFilter

_RATINGS = tuple(SuggestedRating)
_DETAILS = (AttemptRow.segments, AttemptRow.word_scores, AttemptRow.analysis, AttemptRow.past_assessments)
_EMPTIED: dict[str, object] = {
    "audio_file_id": None,
    "reference_text": "",
    "accepted_answers": [],
    "transcript": "",
    "reading": "",
    "language": "",
    **dict.fromkeys(
        (
            "segments",
            "confidence",
            "overall",
            "accuracy",
            "fluency",
            "completeness",
            "prosody",
            "assessable",
            "unassessable_reason",
            "word_scores",
            "analysis",
            "past_assessments",
            "recipe",
            "acoustic_model",
            "speech_model",
            "analyzer",
            "assessed_at",
            "suggested_rating",
        )
    ),
}


@dataclass(frozen=True, slots=True)
class _Analysis:
    """What of an assessment has no column of its own."""

    matched_answer: int | None = None
    reference_text: str = ""
    reference_english: str = ""
    morae: tuple[MoraJudgement, ...] = ()
    insertions: tuple[Insertion, ...] = ()
    fluency: Fluency | None = None
    findings: tuple[Finding, ...] = ()
    prosody: Prosody | None = None


class PostgresAttempts:
    """Stores attempts, their audio's place in the object store with them."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, attempt: Attempt) -> Attempt:
        """Stores an attempt, counts its number in its session, and returns what is stored.

        When the user has one with the same practice id already, that one is returned and nothing is stored.
        """
        number = await self._next_number(attempt)
        added = await self._session.execute(
            insert(AttemptRow)
            .values(**_columns(attempt), attempt_number=number)
            .on_conflict_do_nothing(index_elements=[AttemptRow.user_id, AttemptRow.practice_id])
            .returning(AttemptRow.id)
        )
        if added.scalar_one_or_none() is not None and attempt.audio is not None:
            await self._add_audio(attempt, attempt.audio)
        # A statement of its own: it sees the attempt of whoever came first.
        stored = await self.by_practice(attempt.user_id, attempt.practice_id)
        if stored is None:
            raise RuntimeError(f"the attempt of practice {attempt.practice_id} is neither new nor there")
        return stored

    async def by_practice(self, user_id: UserId, practice_id: str) -> Attempt | None:
        """The attempt that a practice led to, deleted or not."""
        return await self._find(AttemptRow.user_id == user_id, AttemptRow.practice_id == practice_id)

    async def get(self, user_id: UserId, attempt_id: str) -> Attempt | None:
        """An attempt; None when it is not the user's or deleted."""
        return await self._find(
            AttemptRow.user_id == user_id, AttemptRow.id == attempt_id, AttemptRow.deleted_at.is_(None)
        )

    async def list(self, user_id: UserId, wanted: AttemptFilter, page: PageRequest) -> Page[Attempt]:
        """Outlines of attempts, newest first."""
        query = (
            select(AttemptRow, AudioFileRow)
            .outerjoin(AudioFileRow, AudioFileRow.id == AttemptRow.audio_file_id)
            .where(AttemptRow.user_id == user_id, AttemptRow.deleted_at.is_(None), *_conditions(wanted))
            .order_by(AttemptRow.created_at.desc(), AttemptRow.id.desc())
            .limit(page.size + 1)
            .options(*(defer(column, raiseload=True) for column in _DETAILS))
        )
        if page.after is not None:
            at, attempt_id = page.after
            query = query.where(tuple_(AttemptRow.created_at, AttemptRow.id) < (datetime.fromisoformat(at), attempt_id))
        rows = (await self._session.execute(query)).all()
        items = tuple(_outline(row, audio) for row, audio in rows[: page.size])
        more = len(rows) > page.size
        return Page(items, (items[-1].created_at.isoformat(), items[-1].id) if more else None)

    async def delete(self, user_id: UserId, attempt_id: str, at: datetime) -> Attempt | None:
        """Marks an attempt deleted and empties it; returns it as it was, or None when there was none.

        Deleting one that is deleted returns it without audio.
        """
        mine = (AttemptRow.user_id == user_id, AttemptRow.id == attempt_id)
        locked = await self._session.execute(select(AttemptRow.id).where(*mine).with_for_update())
        if locked.scalar_one_or_none() is None:
            return None
        found = await self._find(*mine)
        await self._session.execute(
            update(AttemptRow)
            .where(*mine, AttemptRow.deleted_at.is_(None))
            .values(**_EMPTIED, deleted_at=at, updated_at=at)
            .execution_options(synchronize_session=False)
        )
        # The file has its attempt's id.
        await self._session.execute(
            delete(AudioFileRow)
            .where(AudioFileRow.id == attempt_id, AudioFileRow.user_id == user_id)
            .execution_options(synchronize_session=False)
        )
        return found

    async def audio_seconds_since(self, user_id: UserId, since: datetime) -> float:
        """How much audio the user has practised since then, deleted attempts included."""
        query = select(func.coalesce(func.sum(AttemptRow.audio_seconds), 0.0)).where(
            AttemptRow.user_id == user_id, AttemptRow.created_at >= since
        )
        return float((await self._session.execute(query)).scalar_one())

    async def _next_number(self, attempt: Attempt) -> int:
        if attempt.session_id is None:
            return 0
        # Attempts of one session take turns, so that each number is given out once. Rows may still refer to it.
        await self._session.execute(
            select(SpeakingSessionRow.id)
            .where(SpeakingSessionRow.id == attempt.session_id)
            .with_for_update(key_share=True)
        )
        same_target = (
            AttemptRow.sentence_id == attempt.sentence_id
            if attempt.sentence_id is not None
            else (AttemptRow.sentence_id.is_(None))
            & (AttemptRow.reference_text == attempt.reference_text)
            & (AttemptRow.accepted_answers == list(attempt.accepted_answers))
        )
        query = select(func.coalesce(func.max(AttemptRow.attempt_number), 0)).where(
            AttemptRow.speaking_session_id == attempt.session_id, AttemptRow.deleted_at.is_(None), same_target
        )
        return int((await self._session.execute(query)).scalar_one()) + 1

    async def _add_audio(self, attempt: Attempt, audio: StoredAudio) -> None:
        await self._session.execute(
            insert(AudioFileRow).values(
                id=attempt.id,
                object_key=audio.key,
                size_bytes=audio.size_bytes,
                duration_seconds=attempt.audio_seconds,
                content_type=audio.content_type,
                sample_rate_hertz=audio.sample_rate_hertz,
                user_id=attempt.user_id,
                created_at=attempt.created_at,
            )
        )
        await self._session.execute(
            update(AttemptRow)
            .where(AttemptRow.id == attempt.id)
            .values(audio_file_id=attempt.id)
            .execution_options(synchronize_session=False)
        )

    async def _find(self, *conditions: ColumnElement[bool]) -> Attempt | None:
        query = (
            select(AttemptRow, AudioFileRow)
            .outerjoin(AudioFileRow, AudioFileRow.id == AttemptRow.audio_file_id)
            .where(*conditions)
            .execution_options(populate_existing=True)
        )
        found = (await self._session.execute(query)).one_or_none()
        if found is None:
            return None
        row, audio = found
        return _attempt(row, audio)


def _conditions(wanted: AttemptFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.sentence_id is not None:
        conditions.append(AttemptRow.sentence_id == wanted.sentence_id)
    if wanted.session_id is not None:
        conditions.append(AttemptRow.speaking_session_id == wanted.session_id)
    if wanted.card_id is not None:
        conditions.append(AttemptRow.card_id == wanted.card_id)
    if wanted.purpose is not None:
        conditions.append(AttemptRow.purpose == wanted.purpose.value)
    if wanted.since is not None:
        conditions.append(AttemptRow.created_at >= wanted.since)
    if wanted.until is not None:
        conditions.append(AttemptRow.created_at < wanted.until)
    if wanted.assessable_only:
        conditions.append(AttemptRow.assessable.is_(True))
    return conditions


def _columns(attempt: Attempt) -> dict[str, object]:
    transcript, rating = attempt.transcript, attempt.suggested_rating
    return {
        "id": attempt.id,
        "practice_id": attempt.practice_id,
        "user_id": attempt.user_id,
        "sentence_id": attempt.sentence_id,
        "speaking_session_id": attempt.session_id,
        "card_id": attempt.card_id,
        "purpose": attempt.purpose.value,
        "fingerprint": attempt.fingerprint,
        "reference_text": attempt.reference_text,
        "accepted_answers": list(attempt.accepted_answers),
        "audio_seconds": attempt.audio_seconds,
        "transcript": transcript.text,
        "reading": transcript.reading,
        "language": transcript.language,
        "segments": dump(transcript.segments),
        "confidence": _within(transcript.confidence, 1.0),
        **_assessment_columns(attempt.assessment),
        "assessed_at": attempt.assessed_at,
        "suggested_rating": None if rating is None else _RATINGS.index(rating) + 1,
        "created_at": attempt.created_at,
        "updated_at": attempt.created_at,
    }


def _assessment_columns(assessment: Assessment | None) -> dict[str, object]:
    if assessment is None:
        return {}
    scores, versions = assessment.scores, assessment.versions
    analysis = _Analysis(
        assessment.matched_answer,
        assessment.reference_text,
        assessment.reference_english,
        assessment.morae,
        assessment.insertions,
        assessment.fluency,
        assessment.findings,
        assessment.prosody,
    )
    return {
        "overall": _within(scores.overall, 100.0),
        "accuracy": _within(scores.accuracy, 100.0),
        "fluency": _within(scores.fluency, 100.0),
        "completeness": _within(scores.completeness, 100.0),
        "prosody": _within(scores.prosody, 100.0),
        "assessable": assessment.assessable,
        "unassessable_reason": None if assessment.reason is None else assessment.reason.value,
        "word_scores": dump(assessment.words),
        "analysis": dump(analysis),
        "recipe": versions.recipe,
        "acoustic_model": versions.acoustic_model,
        "speech_model": versions.speech_model,
        "analyzer": versions.analyzer,
    }


def _within(value: float | None, most: float) -> float | None:
    """A score whose sums were rounded a little beyond its range."""
    return None if value is None else min(most, max(0.0, value))


def _attempt(row: AttemptRow, audio: AudioFileRow | None) -> Attempt:
    segments = load(tuple[TranscriptSegment, ...], row.segments or [])
    assessment = _verdict(row)
    if assessment is not None:
        rest = load(_Analysis, row.analysis or {})
        assessment = Assessment(
            assessment.versions,
            assessment.reason,
            assessment.scores,
            rest.matched_answer,
            rest.reference_text,
            rest.reference_english,
            load(tuple[WordJudgement, ...], row.word_scores or []),
            rest.morae,
            rest.insertions,
            rest.fluency,
            rest.findings,
            rest.prosody,
        )
    return _put_together(row, audio, segments, assessment)


def _outline(row: AttemptRow, audio: AudioFileRow | None) -> Attempt:
    return _put_together(row, audio, (), _verdict(row))


def _verdict(row: AttemptRow) -> Assessment | None:
    """The part of an assessment that lists have."""
    if row.assessable is None:
        return None
    return Assessment(
        Versions(row.recipe or "", row.speech_model or "", row.analyzer or "", row.acoustic_model or ""),
        None if row.unassessable_reason is None else UnassessableReason(row.unassessable_reason),
        Scores(row.overall, row.accuracy, row.fluency, row.completeness, row.prosody),
    )


def _put_together(
    row: AttemptRow,
    audio: AudioFileRow | None,
    segments: tuple[TranscriptSegment, ...],
    assessment: Assessment | None,
) -> Attempt:
    return Attempt(
        id=row.id,
        practice_id=row.practice_id,
        user_id=UserId(row.user_id),
        fingerprint=row.fingerprint,
        session_id=row.speaking_session_id,
        sentence_id=row.sentence_id,
        reference_text=row.reference_text,
        accepted_answers=tuple(row.accepted_answers),
        purpose=Purpose(row.purpose),
        card_id=row.card_id,
        suggested_rating=None if row.suggested_rating is None else _RATINGS[row.suggested_rating - 1],
        attempt_number=row.attempt_number,
        transcript=Transcript(row.transcript, row.reading, row.confidence, row.language, segments),
        assessment=assessment,
        assessed_at=row.assessed_at,
        audio_seconds=row.audio_seconds,
        audio=None
        if audio is None
        else StoredAudio(audio.object_key, audio.content_type, audio.sample_rate_hertz, audio.size_bytes),
        created_at=row.created_at,
    )
