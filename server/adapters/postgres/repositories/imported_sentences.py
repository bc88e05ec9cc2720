"""Sentences of imports, many at once: set-based, through a temporary table."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from server.content.domain.entries import Entry, Fate, ReadSentence, fingerprint
from server.content.domain.imports import Outcome
from server.content.domain.sentence import SentenceId, Source
from server.kernel.identity import UserId

# Asked for with arrays, not joined with them: with no idea of how many there are, the planner joins row by row.
_KNOWN = text(
    """
    SELECT s.source_id, s.id, s.import_fingerprints ->> :kind, s.reading IS NULL
    FROM sentences AS s
    WHERE s.source = :source AND s.source_id = ANY(CAST(:source_ids AS text[]))
      AND s.owner_id IS NOT DISTINCT FROM CAST(:owner_id AS uuid) AND s.deleted_at IS NULL
    """
)
_SAME_TEXT = text(
    """
    SELECT s.japanese, s.id
    FROM sentences AS s
    WHERE hashtextextended(s.japanese, 0) = ANY(
            ARRAY(SELECT hashtextextended(b.japanese, 0) FROM unnest(CAST(:texts AS text[])) AS b (japanese))
          )
      AND s.owner_id IS NOT DISTINCT FROM CAST(:owner_id AS uuid) AND s.deleted_at IS NULL
    ORDER BY s.id DESC
    """
)
_COLUMNS = (
    ("id", "uuid"),
    ("added", "boolean"),
    ("source_id", "text"),
    ("fingerprint", "text"),
    ("japanese", "text"),
    ("english", "text"),
    ("english_source_id", "text"),
    ("english_author", "text"),
    ("english_licence", "text"),
    ("other_translations", "jsonb"),
    ("reading", "text"),
    ("furigana", "jsonb"),
    ("reading_origin", "text"),
    ("difficulty", "smallint"),
    ("difficulty_computed", "boolean"),
    ("jlpt_level", "smallint"),
    ("author", "text"),
    ("licence", "text"),
    ("tags", "text[]"),
    ("word_count", "integer"),
    ("character_count", "integer"),
)
_TABLE = text(
    "CREATE TEMPORARY TABLE IF NOT EXISTS import_batch ("
    + ", ".join(f"{name} {kind}" for name, kind in _COLUMNS)
    + ") ON COMMIT DROP"
)
_COPY = f"COPY import_batch ({', '.join(name for name, _ in _COLUMNS)}) FROM STDIN"
_STORED = tuple(name for name, _ in _COLUMNS if name not in ("added", "fingerprint"))
_INSERT = text(
    f"""
    INSERT INTO sentences ({", ".join(_STORED)}, source, owner_id, visibility, import_fingerprints, created_at,
                           updated_at)
    SELECT {", ".join(_STORED)}, :source, CAST(:owner_id AS uuid), :visibility,
           jsonb_build_object(CAST(:kind AS text), fingerprint), :now, :now
    FROM import_batch WHERE added
    ON CONFLICT DO NOTHING
    RETURNING id
    """  # noqa: S608 - names of columns of ours
)
# What the source does not say stays as it is: a list of pairs knows no readings, one of sentences no authors.
_UPDATE = text(
    """
    UPDATE sentences AS s SET
        japanese = b.japanese,
        english = CASE WHEN b.english <> '' THEN b.english ELSE s.english END,
        english_source_id = CASE WHEN b.english <> '' THEN b.english_source_id ELSE s.english_source_id END,
        english_author = CASE WHEN b.english <> '' THEN b.english_author ELSE s.english_author END,
        english_licence = CASE WHEN b.english <> '' THEN b.english_licence ELSE s.english_licence END,
        other_translations =
            CASE WHEN b.english <> '' THEN b.other_translations ELSE s.other_translations END,
        reading = CASE WHEN k.keeps THEN s.reading ELSE b.reading END,
        furigana = CASE WHEN k.keeps THEN s.furigana ELSE b.furigana END,
        reading_origin = CASE WHEN k.keeps THEN s.reading_origin ELSE b.reading_origin END,
        difficulty = CASE WHEN b.difficulty_computed AND NOT s.difficulty_computed AND s.difficulty IS NOT NULL
            THEN s.difficulty ELSE COALESCE(b.difficulty, s.difficulty) END,
        difficulty_computed = b.difficulty_computed AND (s.difficulty_computed OR s.difficulty IS NULL),
        jlpt_level = COALESCE(b.jlpt_level, s.jlpt_level),
        author = COALESCE(b.author, s.author),
        licence = COALESCE(b.licence, s.licence),
        tags = ARRAY(SELECT DISTINCT tag FROM unnest(s.tags || b.tags) AS tag ORDER BY tag LIMIT 32),
        word_count = CASE WHEN b.reading IS NULL AND s.japanese = b.japanese THEN s.word_count ELSE b.word_count END,
        character_count = b.character_count,
        import_fingerprints = s.import_fingerprints || jsonb_build_object(CAST(:kind AS text), b.fingerprint),
        revision = s.revision + 1,
        updated_at = :now
    FROM import_batch AS b
    JOIN sentences AS o ON o.id = b.id
    CROSS JOIN LATERAL (
        SELECT o.japanese = b.japanese AND o.reading IS NOT NULL
           AND (b.reading IS NULL OR (o.reading_origin = 'human' AND b.reading_origin <> 'human')) AS keeps
    ) AS k
    WHERE NOT b.added AND s.id = b.id
    RETURNING s.id
    """
)


class PostgresImportedSentences:
    """Stores the sentences of imports."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def fates(
        self, kind: str, source: Source, owner_id: UserId | None, entries: Sequence[Entry], *, analysed: bool
    ) -> list[Fate]:
        """What would become of entries that are added in their order; changes nothing.

        Args:
            kind: of the import.
            owner_id: whose space they go to; None: the shared one.
            analysed: whether sentences that await analysis are updated also where the source says nothing new.
        """
        values = {
            "kind": kind,
            "source": source.value,
            "owner_id": owner_id,
            "source_ids": [entry.source_id for entry in entries],
        }
        known = {row[0]: (str(row[1]), row[2], row[3]) for row in await self._session.execute(_KNOWN, values)}
        texts = [entry.japanese for entry in entries if entry.source_id not in known]
        same: dict[str, str] = {}
        if texts:
            # Of several the oldest.
            rows = await self._session.execute(_SAME_TEXT, {"texts": texts, "owner_id": owner_id})
            same = {row[0]: str(row[1]) for row in rows}
        fates: list[Fate] = []
        first: set[str] = set()
        ids: set[str] = set()
        for entry in entries:
            if entry.source_id in ids:
                fates.append(Fate(Outcome.DUPLICATE))
            elif entry.source_id in known:
                sentence_id, before, unread = known[entry.source_id]
                changed = before != fingerprint(entry) or (unread and analysed)
                fates.append(Fate(Outcome.UPDATED if changed else Outcome.UNCHANGED, SentenceId(sentence_id), unread))
            elif entry.japanese in same:
                fates.append(Fate(Outcome.DUPLICATE, SentenceId(same[entry.japanese])))
            elif entry.japanese in first:
                fates.append(Fate(Outcome.DUPLICATE))
            else:
                first.add(entry.japanese)
                fates.append(Fate(Outcome.ADDED))
            ids.add(entry.source_id)
        return fates

    async def store(
        self,
        kind: str,
        source: Source,
        owner_id: UserId | None,
        sentences: Sequence[tuple[SentenceId, bool, Entry, ReadSentence | None]],
        now: datetime,
    ) -> frozenset[SentenceId]:
        """Adds and updates sentences.

        Args:
            sentences: each with its id, whether it is new, and what analysis gave, if there was one.

        Returns:
            The ids of those that were stored; another transaction was quicker with the rest.
        """
        await self._session.execute(_TABLE)
        connection = await (await self._session.connection()).get_raw_connection()
        driver: Any = connection.driver_connection
        async with driver.cursor() as cursor, cursor.copy(_COPY) as copy:
            for sentence in sentences:
                await copy.write_row(_row(*sentence))
        values = {
            "kind": kind,
            "source": source.value,
            "owner_id": owner_id,
            "visibility": "shared" if owner_id is None else "private",
            "now": now,
        }
        stored: set[str] = set()
        added = await self._session.execute(_INSERT, values)
        stored.update(str(row[0]) for row in added)
        updated = await self._session.execute(_UPDATE, {"kind": kind, "now": now})
        stored.update(str(row[0]) for row in updated)
        await self._session.execute(text("DROP TABLE import_batch"))
        return frozenset(SentenceId(each) for each in stored)


def _row(sentence_id: SentenceId, added: bool, entry: Entry, read: ReadSentence | None) -> tuple[object, ...]:
    first = entry.translations[0] if entry.translations else None
    others = [
        {"text": each.text, "source_id": each.source_id, "author": each.author, "licence": each.licence}
        for each in entry.translations[1:]
    ]
    difficulty = entry.difficulty if entry.difficulty is not None or read is None else read.difficulty
    return (
        sentence_id,
        added,
        entry.source_id,
        fingerprint(entry),
        entry.japanese,
        first.text if first else "",
        (first.source_id or None) if first else None,
        (first.author or None) if first else None,
        (first.licence or None) if first else None,
        _json(others),
        None if read is None else read.reading,
        "[]" if read is None else _json([_span(span) for span in read.furigana]),
        None if read is None else read.origin.value,
        difficulty,
        entry.difficulty is None,
        entry.jlpt if entry.jlpt is not None or read is None else read.jlpt,
        entry.author or None,
        entry.licence or None,
        list(entry.tags),
        0 if read is None else read.word_count,
        len(entry.japanese),
    )


def _span(span: Any) -> Mapping[str, object]:
    return {"offset": span.offset, "length": span.length, "reading": span.reading}


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
