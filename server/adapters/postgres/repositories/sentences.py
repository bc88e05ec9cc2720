"""Sentences."""

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import Any, cast

from sqlalchemy import ColumnElement, CursorResult, Update, false, null, or_, select, true, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from server.adapters.postgres.failures import violated
from server.adapters.postgres.repositories.sentence_selection import conditions, keyset
from server.adapters.postgres.tables import AudioFileRow, SentenceRow
from server.content.domain.furigana import FuriganaSpan
from server.content.domain.reading import ReadingOrigin
from server.content.domain.selection import Order, Selection
from server.content.domain.sentence import (
    AudioFormat,
    AudioId,
    JlptLevel,
    Recording,
    Sentence,
    SentenceId,
    Source,
    Translation,
)
from server.content.domain.spaces import Spaces, changed_meanwhile, sentence_already_exists
from server.kernel.identity import UserId
from server.kernel.paging import Page, PageRequest

_SOURCE_ID_INDEX = "uq_sentences_source_id"
_FORMAT_OF = {
    "audio/wav": AudioFormat.WAV,
    "audio/ogg": AudioFormat.OGG_OPUS,
    "audio/flac": AudioFormat.FLAC,
    "audio/mpeg": AudioFormat.MP3,
}


class PostgresSentences:
    """Stores sentences. Changes are optimistic: each names the revision that it follows."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def get(self, sentence_id: SentenceId, spaces: Spaces, *, or_deleted: bool = False) -> Sentence | None:
        """A sentence, if it is in one of the spaces; a tombstone only when asked."""
        there = true() if or_deleted else SentenceRow.deleted_at.is_(None)
        found = await self._load(SentenceRow.id == sentence_id, in_spaces(spaces), there)
        return found[0] if found else None

    async def get_many(self, sentence_ids: Collection[SentenceId], spaces: Spaces) -> Sequence[Sentence]:
        """Those of the sentences that are in one of the spaces."""
        return await self._load(SentenceRow.id.in_(sentence_ids), in_spaces(spaces), SentenceRow.deleted_at.is_(None))

    async def find(self, selection: Selection, order: Order, page: PageRequest) -> Page[Sentence]:
        """A page of the sentences that pass every filter."""
        keys = keyset(order, selection.terms)
        query = (
            select(SentenceRow, keys.value)
            .where(in_spaces(selection.spaces), *conditions(selection))
            .order_by(*keys.order)
            .limit(page.size + 1)
        )
        if page.after is not None:
            query = query.where(keys.after(page.after))
        found = (await self._session.execute(query)).all()
        shown = found[: page.size]
        more = len(found) > page.size
        return Page(
            items=tuple(await self._with_audio([row for row, _ in shown])),
            next=keys.position(shown[-1][1], shown[-1][0].id) if more else None,
        )

    async def find_shared_by_source_id(self, source: Source) -> Sequence[Sentence]:
        """All shared sentences of a source that have an id in it, tombstones too and first."""
        query = (
            select(SentenceRow)
            .where(
                SentenceRow.source == source.value,
                SentenceRow.source_id.is_not(None),
                SentenceRow.owner_id.is_(None),
            )
            .order_by(SentenceRow.source_id, SentenceRow.deleted_at.is_(None), SentenceRow.id)
        )
        return await self._with_audio((await self._session.execute(query)).scalars().all())

    async def add(self, sentence: Sentence) -> None:
        """Stores a new sentence without audio.

        Raises:
            AlreadyExists: SENTENCE_ALREADY_EXISTS.
        """
        added = await self._session.execute(
            insert(SentenceRow)
            .values(id=sentence.id, created_at=sentence.created_at, **_columns(sentence))
            .on_conflict_do_nothing()
            .returning(SentenceRow.id)
        )
        if added.scalar_one_or_none() is None:
            await self._refuse(sentence)

    async def save(self, sentence: Sentence) -> bool:
        """Stores a sentence in the place of the revision before its own; False when another one is stored.

        Raises:
            AlreadyExists: SENTENCE_ALREADY_EXISTS.
        """
        statement = (
            update(SentenceRow)
            .where(SentenceRow.id == sentence.id, SentenceRow.revision == sentence.revision - 1)
            .values(**_columns(sentence))
        )
        try:
            async with self._session.begin_nested():
                return await self._count(statement) == 1
        except IntegrityError as error:
            if violated(error) != _SOURCE_ID_INDEX:
                raise
        return await self._refuse(sentence)

    async def arrange_recordings(self, sentence_id: SentenceId, recording_ids: Sequence[AudioId]) -> None:
        """Puts the recordings into this order; the others are the sentence's no more, and a clean-up's to delete."""
        recordings = (
            AudioFileRow.sentence_id == sentence_id,
            AudioFileRow.user_id.is_(None),
            AudioFileRow.generated.is_(False),
        )
        await self._session.execute(
            update(AudioFileRow).where(*recordings, AudioFileRow.id.not_in(recording_ids)).values(sentence_id=null())
        )
        for position, recording_id in enumerate(recording_ids):
            await self._session.execute(
                update(AudioFileRow).where(*recordings, AudioFileRow.id == recording_id).values(position=position)
            )

    async def _refuse(self, sentence: Sentence) -> bool:
        query = select(SentenceRow.id).where(
            SentenceRow.source == sentence.source.value,
            SentenceRow.source_id == sentence.source_id,
            _owned_by(sentence.owner_id),
            SentenceRow.deleted_at.is_(None),
        )
        existing = (await self._session.execute(query)).scalar_one_or_none()
        if existing is None:
            # What was in the way has been deleted since.
            raise changed_meanwhile(sentence.id)
        raise sentence_already_exists(SentenceId(existing), sentence)

    async def _count(self, statement: Update) -> int:
        result = await self._session.execute(statement)
        return cast("CursorResult[Any]", result).rowcount

    async def _load(self, *where: ColumnElement[bool]) -> Sequence[Sentence]:
        query = select(SentenceRow).where(*where).execution_options(populate_existing=True)
        return await self._with_audio((await self._session.execute(query)).scalars().all())

    async def _with_audio(self, rows: Sequence[SentenceRow]) -> list[Sentence]:
        if not rows:
            return []
        query = (
            select(AudioFileRow)
            .where(AudioFileRow.sentence_id.in_([row.id for row in rows]), AudioFileRow.user_id.is_(None))
            .order_by(AudioFileRow.position, AudioFileRow.created_at, AudioFileRow.id)
            .execution_options(populate_existing=True)
        )
        audio: dict[str | None, list[AudioFileRow]] = {}
        for file in (await self._session.execute(query)).scalars():
            audio.setdefault(file.sentence_id, []).append(file)
        return [_sentence(row, audio.get(row.id, [])) for row in rows]


def in_spaces(spaces: Spaces) -> ColumnElement[bool]:
    """Holds a query to some spaces."""
    shared = SentenceRow.owner_id.is_(None) if spaces.shared else false()
    own = false() if spaces.owner_id is None else SentenceRow.owner_id == spaces.owner_id
    return or_(shared, own)


def _owned_by(owner_id: UserId | None) -> ColumnElement[bool]:
    return SentenceRow.owner_id.is_(None) if owner_id is None else SentenceRow.owner_id == owner_id


def _columns(sentence: Sentence) -> Mapping[str, object]:
    return {
        "japanese": sentence.japanese,
        "english": sentence.english,
        "english_source_id": sentence.english_source_id or None,
        "english_author": sentence.english_author or None,
        "english_licence": sentence.english_licence or None,
        "other_translations": [
            {"text": other.text, "source_id": other.source_id, "author": other.author, "licence": other.licence}
            for other in sentence.other_translations
        ],
        "reading": sentence.reading or None,
        "furigana": [
            {"offset": span.offset, "length": span.length, "reading": span.reading} for span in sentence.furigana
        ],
        "reading_origin": sentence.reading_origin,
        "difficulty": sentence.difficulty,
        "difficulty_computed": sentence.difficulty_computed,
        "jlpt_level": sentence.jlpt_level,
        "source": sentence.source.value,
        "source_id": sentence.source_id or None,
        "author": sentence.author or None,
        "licence": sentence.licence or None,
        "tags": list(sentence.tags),
        "word_count": sentence.word_count,
        "character_count": sentence.character_count,
        "active": sentence.active,
        "owner_id": sentence.owner_id,
        "visibility": sentence.visibility.value,
        "revision": sentence.revision,
        "updated_at": sentence.updated_at,
        "deleted_at": sentence.deleted_at,
    }


def _sentence(row: SentenceRow, audio: Sequence[AudioFileRow]) -> Sentence:
    return Sentence(
        id=SentenceId(row.id),
        owner_id=None if row.owner_id is None else UserId(row.owner_id),
        japanese=row.japanese,
        english=row.english,
        other_translations=tuple(Translation(**other) for other in row.other_translations),
        reading=row.reading or "",
        furigana=tuple(FuriganaSpan(**span) for span in row.furigana),
        reading_origin=None if row.reading_origin is None else ReadingOrigin(row.reading_origin),
        recordings=tuple(_recording(file) for file in audio if not file.generated),
        synthesized=any(file.generated for file in audio),
        difficulty=row.difficulty,
        difficulty_computed=row.difficulty_computed,
        jlpt_level=None if row.jlpt_level is None else JlptLevel(row.jlpt_level),
        source=Source(row.source),
        source_id=row.source_id or "",
        author=row.author or "",
        licence=row.licence or "",
        english_source_id=row.english_source_id or "",
        english_author=row.english_author or "",
        english_licence=row.english_licence or "",
        tags=tuple(row.tags),
        word_count=row.word_count,
        character_count=row.character_count,
        active=row.active,
        created_at=row.created_at,
        updated_at=row.updated_at,
        deleted_at=row.deleted_at,
        revision=row.revision,
    )


def _recording(file: AudioFileRow) -> Recording:
    return Recording(
        id=AudioId(file.id),
        format=_FORMAT_OF[file.content_type],
        sample_rate_hertz=file.sample_rate_hertz,
        duration=timedelta(seconds=file.duration_seconds),
        size_bytes=file.size_bytes,
        author=file.author or "",
        licence=file.licence or "",
        attribution_url=file.attribution_url or "",
        created_at=file.created_at,
    )
