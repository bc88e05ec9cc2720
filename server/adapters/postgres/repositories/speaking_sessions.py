"""The learners' speaking sessions."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, func, insert, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession

from server.adapters.postgres.tables import AttemptRow, SpeakingSessionRow
from server.kernel.identity import UserId
from server.kernel.paging import Page, PageRequest
from server.speech.domain.assessment import Scores
from server.speech.domain.attempt import Purpose, SpeakingSession
from server.speech.storage import SessionFilter

_FIGURES = (
    func.count(),
    func.sum(AttemptRow.audio_seconds),
    func.avg(AttemptRow.overall),
    func.avg(AttemptRow.accuracy),
    func.avg(AttemptRow.fluency),
    func.avg(AttemptRow.completeness),
    func.avg(AttemptRow.prosody),
)


class PostgresSpeakingSessions:
    """Stores speaking sessions. Their figures are summed up from the attempts whenever they are asked for."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, session: SpeakingSession) -> None:
        """Stores a new session."""
        await self._session.execute(
            insert(SpeakingSessionRow).values(
                id=session.id,
                user_id=session.user_id,
                sentence_id=session.sentence_id,
                title=session.title,
                purpose=session.purpose.value,
                started_at=session.started_at,
                ended_at=session.ended_at,
            )
        )

    async def get(self, user_id: UserId, session_id: str) -> SpeakingSession | None:
        """A session with its figures; None when it is not the user's."""
        query = (
            select(SpeakingSessionRow)
            .where(SpeakingSessionRow.id == session_id, SpeakingSessionRow.user_id == user_id)
            .execution_options(populate_existing=True)
        )
        row = (await self._session.execute(query)).scalar_one_or_none()
        return None if row is None else (await self._with_figures([row]))[0]

    async def end(self, user_id: UserId, session_id: str, at: datetime) -> None:
        """Ends a session that is open."""
        await self._session.execute(
            update(SpeakingSessionRow)
            .where(
                SpeakingSessionRow.id == session_id,
                SpeakingSessionRow.user_id == user_id,
                SpeakingSessionRow.ended_at.is_(None),
            )
            .values(ended_at=func.greatest(SpeakingSessionRow.started_at, at))
            .execution_options(synchronize_session=False)
        )

    async def end_forgotten(self, user_id: UserId, before: datetime) -> None:
        """Ends the user's open sessions whose last attempt (or start) was before that time, at that moment."""
        last_attempt = (
            select(func.max(AttemptRow.created_at))
            .where(AttemptRow.speaking_session_id == SpeakingSessionRow.id)
            .scalar_subquery()
        )
        # GREATEST passes over null: a session without attempts ended when it started.
        last = func.greatest(last_attempt, SpeakingSessionRow.started_at)
        await self._session.execute(
            update(SpeakingSessionRow)
            .where(
                SpeakingSessionRow.user_id == user_id,
                SpeakingSessionRow.ended_at.is_(None),
                SpeakingSessionRow.started_at < before,
                last < before,
            )
            .values(ended_at=last)
            .execution_options(synchronize_session=False)
        )

    async def list(self, user_id: UserId, wanted: SessionFilter, page: PageRequest) -> Page[SpeakingSession]:
        """Sessions, newest first."""
        query = (
            select(SpeakingSessionRow)
            .where(SpeakingSessionRow.user_id == user_id, *_conditions(wanted))
            .order_by(SpeakingSessionRow.started_at.desc(), SpeakingSessionRow.id.desc())
            .limit(page.size + 1)
            .execution_options(populate_existing=True)
        )
        if page.after is not None:
            at, session_id = page.after
            query = query.where(
                tuple_(SpeakingSessionRow.started_at, SpeakingSessionRow.id) < (datetime.fromisoformat(at), session_id)
            )
        rows = (await self._session.execute(query)).scalars().all()
        items = tuple(await self._with_figures(rows[: page.size]))
        more = len(rows) > page.size
        return Page(items, (items[-1].started_at.isoformat(), items[-1].id) if more else None)

    async def _with_figures(self, rows: Sequence[SpeakingSessionRow]) -> Sequence[SpeakingSession]:
        query = (
            select(AttemptRow.speaking_session_id, *_FIGURES)
            .where(AttemptRow.speaking_session_id.in_([row.id for row in rows]), AttemptRow.deleted_at.is_(None))
            .group_by(AttemptRow.speaking_session_id)
        )
        figures = {row[0]: tuple(row[1:]) for row in await self._session.execute(query)} if rows else {}
        made: list[SpeakingSession] = []
        for row in rows:
            count, seconds, *scores = figures.get(row.id, (0, 0.0, None, None, None, None, None))
            made.append(
                SpeakingSession(
                    id=row.id,
                    user_id=UserId(row.user_id),
                    sentence_id=row.sentence_id,
                    title=row.title,
                    purpose=Purpose(row.purpose),
                    attempt_count=count,
                    audio_seconds=seconds,
                    average_scores=Scores(*scores),
                    started_at=row.started_at,
                    ended_at=row.ended_at,
                )
            )
        return made


def _conditions(wanted: SessionFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.sentence_id is not None:
        conditions.append(SpeakingSessionRow.sentence_id == wanted.sentence_id)
    if wanted.purpose is not None:
        conditions.append(SpeakingSessionRow.purpose == wanted.purpose.value)
    if wanted.since is not None:
        conditions.append(SpeakingSessionRow.started_at >= wanted.since)
    if wanted.until is not None:
        conditions.append(SpeakingSessionRow.started_at < wanted.until)
    if wanted.open_only:
        conditions.append(SpeakingSessionRow.ended_at.is_(None))
    return conditions
