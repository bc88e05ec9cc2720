"""The pronunciation dictionary."""

from collections.abc import Sequence
from typing import Any, cast

from sqlalchemy import ColumnElement, CursorResult, false, func, literal, or_, select, true, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from server.adapters.postgres.tables import PronunciationRow
from server.content.domain.kana import to_katakana
from server.content.domain.pronunciation import Pronunciation, PronunciationFilter, PronunciationId
from server.content.domain.spaces import Spaces
from server.kernel.identity import UserId
from server.kernel.paging import Page, PageRequest


class PostgresPronunciations:
    """Stores entries. Changes are optimistic: each names the revision that it follows."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def get(self, pronunciation_id: PronunciationId, spaces: Spaces) -> Pronunciation | None:
        """An entry or its tombstone, if it is in one of the spaces."""
        found = await self._load(PronunciationRow.id == pronunciation_id, _in(spaces))
        return found[0] if found else None

    async def find_one(self, word: str, reading: str, owner_id: UserId | None) -> Pronunciation | None:
        """The entry of a word and reading in one space."""
        owned = PronunciationRow.owner_id.is_(None) if owner_id is None else PronunciationRow.owner_id == owner_id
        found = await self._load(
            PronunciationRow.word == word,
            PronunciationRow.reading == reading,
            PronunciationRow.deleted_at.is_(None),
            owned,
        )
        return found[0] if found else None

    async def within(self, text: str, spaces: Spaces) -> Sequence[Pronunciation]:
        """The entries in the spaces whose word stands in a text."""
        return await self._load(
            func.strpos(literal(text), PronunciationRow.word) > 0,
            PronunciationRow.deleted_at.is_(None),
            _in(spaces),
        )

    async def find(self, wanted: PronunciationFilter, page: PageRequest) -> Page[Pronunciation]:
        """A page of the entries that pass every filter, by word, reading and id."""
        key = (PronunciationRow.word, PronunciationRow.reading, PronunciationRow.id)
        query = (
            select(PronunciationRow)
            .where(PronunciationRow.deleted_at.is_(None), _in(wanted.spaces))
            .order_by(*key)
            .limit(page.size + 1)
        )
        if wanted.prefix:
            katakana = to_katakana(wanted.prefix)
            query = query.where(
                or_(
                    PronunciationRow.word.startswith(wanted.prefix, autoescape=True),
                    PronunciationRow.reading.startswith(katakana, autoescape=True),
                )
            )
        if wanted.words:
            query = query.where(PronunciationRow.word.in_(wanted.words))
        if page.after is not None:
            after = (literal(part, column.type) for part, column in zip(page.after, key, strict=True))
            query = query.where(tuple_(*key) > tuple_(*after))
        rows = (await self._session.execute(query)).scalars().all()
        items = tuple(map(_entry, rows[: page.size]))
        last = items[-1] if len(rows) > page.size else None
        return Page(items, None if last is None else (last.word, last.reading, last.id))

    async def add(self, entry: Pronunciation, by: UserId) -> bool:
        """Stores a new entry; False when its space has one for this word and reading meanwhile."""
        statement = (
            insert(PronunciationRow)
            .values(
                id=entry.id,
                word=entry.word,
                reading=entry.reading,
                accepted_accents=list(entry.accents),
                note=entry.note,
                owner_id=entry.owner_id,
                created_by=by,
                revision=entry.revision,
                created_at=entry.created_at,
                updated_at=entry.updated_at,
            )
            .on_conflict_do_nothing()
            .returning(PronunciationRow.id)
        )
        return (await self._session.execute(statement)).scalar_one_or_none() is not None

    async def save(self, entry: Pronunciation, by: UserId) -> bool:
        """Stores an entry in the place of the revision before its own; False when another one is stored."""
        statement = (
            update(PronunciationRow)
            .where(PronunciationRow.id == entry.id, PronunciationRow.revision == entry.revision - 1)
            .values(
                accepted_accents=list(entry.accents),
                note=entry.note,
                created_by=by,
                revision=entry.revision,
                updated_at=entry.updated_at,
                deleted_at=entry.deleted_at,
            )
        )
        result = await self._session.execute(statement)
        return cast("CursorResult[Any]", result).rowcount == 1

    async def _load(self, *where: ColumnElement[bool]) -> list[Pronunciation]:
        query = select(PronunciationRow).where(*where).execution_options(populate_existing=True)
        return [_entry(row) for row in (await self._session.execute(query)).scalars()]


def _in(spaces: Spaces) -> ColumnElement[bool]:
    shared = PronunciationRow.owner_id.is_(None) if spaces.shared else false()
    own = false() if spaces.owner_id is None else PronunciationRow.owner_id == spaces.owner_id
    return true() & or_(shared, own)


def _entry(row: PronunciationRow) -> Pronunciation:
    return Pronunciation(
        id=PronunciationId(row.id),
        word=row.word,
        reading=row.reading,
        accents=tuple(row.accepted_accents),
        owner_id=None if row.owner_id is None else UserId(row.owner_id),
        note=row.note,
        created_at=row.created_at,
        updated_at=row.updated_at,
        deleted_at=row.deleted_at,
        revision=row.revision,
    )
