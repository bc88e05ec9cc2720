"""Recordings that imports bring to sentences."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from server.adapters.postgres.tables import AudioFileRow
from server.content.ports.imports import ImportedRecording


class PostgresImportedRecordings:
    """Stores what is known of recordings."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def known(self, keys: Sequence[str]) -> frozenset[str]:
        """Those of the keys of the object store that sentences have recordings under."""
        query = select(AudioFileRow.object_key).where(
            AudioFileRow.object_key.in_(keys), AudioFileRow.sentence_id.is_not(None)
        )
        return frozenset((await self._session.execute(query)).scalars())

    async def add(self, recordings: Sequence[ImportedRecording], now: datetime) -> None:
        """Adds recordings, each the last of its sentence."""
        for each in recordings:
            position = (
                select(func.coalesce(func.max(AudioFileRow.position) + 1, 0))
                .where(AudioFileRow.sentence_id == each.sentence_id, AudioFileRow.user_id.is_(None))
                .scalar_subquery()
            )
            statement = insert(AudioFileRow).values(
                id=each.id,
                object_key=each.object_key,
                size_bytes=each.size_bytes,
                duration_seconds=each.duration_seconds,
                content_type=each.content_type,
                sample_rate_hertz=each.sample_rate_hertz,
                sha256=each.sha256,
                author=each.author or None,
                licence=each.licence or None,
                position=position,
                sentence_id=each.sentence_id,
                created_at=now,
            )
            # A recording that was taken away from its sentence comes back.
            await self._session.execute(
                statement.on_conflict_do_update(
                    index_elements=[AudioFileRow.object_key],
                    set_={"sentence_id": statement.excluded.sentence_id, "position": statement.excluded.position},
                )
            )
