"""Content in memory: the fakes that use cases are tested with."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import TracebackType
from typing import Any, Self

from server.adapters.openjtalk.taking_apart import TextParts
from server.content.analyze_text import AnalyzeText
from server.content.batch_get_sentences import BatchGetSentences
from server.content.create_sentence import CreateSentence
from server.content.delete_pronunciation import DeletePronunciation
from server.content.delete_sentence import DeleteSentence
from server.content.domain.analysis import Parts, Said
from server.content.domain.change import Draft
from server.content.domain.furigana import Word
from server.content.domain.kana import Kind, kind_of, to_hiragana, to_katakana
from server.content.domain.pronunciation import Pronunciation, PronunciationFilter, PronunciationId
from server.content.domain.romaji import kana_pattern
from server.content.domain.selection import Order, Selection
from server.content.domain.sentence import AudioId, AudioOrigin, Sentence, SentenceId, Source, Visibility
from server.content.domain.spaces import Spaces, sentence_already_exists
from server.content.get_sentence import GetSentence
from server.content.list_pronunciations import ListPronunciations
from server.content.list_sentences import ListSentences
from server.content.servicer import ContentServicer, ContentUseCases
from server.content.set_pronunciation import SetPronunciation
from server.content.undelete_sentence import UndeleteSentence
from server.content.update_sentence import UpdateSentence
from server.errors import AlreadyExists, Reason
from server.kernel.identity import Caller, Role, UserId
from server.kernel.paging import Page, PageRequest
from server.rpc.wire import PageTokens
from tests.support.kernel import NOON, CountingIds, FixedClock
from tests.support.rpc import caller

MIKA = UserId("0198c0de-0000-7000-9000-000000000001")
KEN = UserId("0198c0de-0000-7000-9000-000000000002")
STUDENT = caller(Role.STUDENT, MIKA)
OTHER_STUDENT = caller(Role.STUDENT, KEN)
TEACHER = caller(Role.TEACHER, "0198c0de-0000-7000-9000-000000000003")
ADMIN = caller(Role.ADMIN, "0198c0de-0000-7000-9000-000000000004")

LEXICON = {
    "私": "わたし",
    "学生": "がくせい",
    "先生": "せんせい",
    "食べ物": "たべもの",
    "今日": "きょう",
    "3時": "さんじ",
}


def make_sentence(number: int = 1, *, owner_id: UserId | None = None, japanese: str = "私は学生です。") -> Sentence:
    """A sentence with the usual values; `replace` what matters."""
    return Sentence(
        id=SentenceId(f"0198c0de-0000-7000-a000-{number:012x}"),
        owner_id=owner_id,
        japanese=japanese,
        english="I am a student.",
        other_translations=(),
        reading="わたしはがくせいです。",
        furigana=(),
        reading_origin=None,
        recordings=(),
        synthesized=False,
        difficulty=1,
        difficulty_computed=False,
        jlpt_level=None,
        source=Source.CUSTOM,
        source_id="",
        author="",
        licence="",
        english_source_id="",
        english_author="",
        english_licence="",
        tags=(),
        word_count=4,
        character_count=len(japanese),
        active=True,
        created_at=NOON,
        updated_at=NOON,
    )


def make_draft(japanese: str = "私は学生です。", visibility: Visibility = Visibility.PRIVATE) -> Draft:
    """A draft with nothing but its text."""
    return Draft(visibility=visibility, japanese=japanese)


@dataclass
class State:
    """What the database in memory holds."""

    sentences: dict[SentenceId, Sentence] = field(default_factory=dict)
    answers: dict[tuple[str, str, str], tuple[bytes, bytes | None]] = field(default_factory=dict)
    pronunciations: dict[PronunciationId, Pronunciation] = field(default_factory=dict)


class FakeDatabase:
    """A database in memory whose transactions come one after another."""

    def __init__(self) -> None:
        self.state = State()
        self.turn = asyncio.Lock()

    def __call__(self) -> FakeUnitOfWork:
        return FakeUnitOfWork(self)


class FakeUnitOfWork:
    """A transaction on a `FakeDatabase`."""

    def __init__(self, database: FakeDatabase) -> None:
        self._database = database

    async def __aenter__(self) -> Self:
        await self._database.turn.acquire()
        before = self._database.state
        self._state = State(dict(before.sentences), dict(before.answers), dict(before.pronunciations))
        self.sentences = FakeSentences(self._state)
        self.idempotency = FakeIdempotency(self._state)
        self.pronunciations = FakePronunciations(self._state)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._database.turn.release()

    async def commit(self) -> None:
        self._database.state = self._state


class FakeSentences:
    """Sentences in memory."""

    def __init__(self, state: State) -> None:
        self._rows = state.sentences

    async def get(self, sentence_id: SentenceId, spaces: Spaces, *, or_deleted: bool = False) -> Sentence | None:
        found = self._rows.get(sentence_id)
        if found is None or not spaces.hold(found) or (found.deleted_at is not None and not or_deleted):
            return None
        return found

    async def get_many(self, sentence_ids: Collection[SentenceId], spaces: Spaces) -> Sequence[Sentence]:
        return [found for each in sentence_ids if (found := await self.get(each, spaces)) is not None]

    async def find(self, selection: Selection, order: Order, page: PageRequest) -> Page[Sentence]:
        rows = sorted(
            (row for row in self._rows.values() if passes(row, selection)),
            key=lambda row: (sort_value(row, order, selection.terms), row.id),
        )
        if page.after is not None:
            after = (float(page.after[0]), page.after[1])
            rows = [row for row in rows if (sort_value(row, order, selection.terms), row.id) > after]
        shown = rows[: page.size]
        more = len(rows) > page.size
        position = (str(sort_value(shown[-1], order, selection.terms)), shown[-1].id) if more else None
        return Page(tuple(shown), position)

    async def find_shared_by_source_id(self, source: Source) -> Sequence[Sentence]:
        rows = (row for row in self._rows.values() if row.source is source and row.source_id and row.owner_id is None)
        return sorted(rows, key=lambda row: (row.source_id, row.deleted_at is None))

    async def add(self, sentence: Sentence) -> None:
        self._check_source_id(sentence)
        self._rows[sentence.id] = sentence

    async def save(self, sentence: Sentence) -> bool:
        if self._rows[sentence.id].revision != sentence.revision - 1:
            return False
        self._check_source_id(sentence)
        recordings = self._rows[sentence.id].recordings
        self._rows[sentence.id] = replace(sentence, recordings=recordings)
        return True

    async def arrange_recordings(self, sentence_id: SentenceId, recording_ids: Sequence[AudioId]) -> None:
        present = {recording.id: recording for recording in self._rows[sentence_id].recordings}
        ordered = tuple(present[recording_id] for recording_id in recording_ids)
        self._rows[sentence_id] = replace(self._rows[sentence_id], recordings=ordered)

    def _check_source_id(self, sentence: Sentence) -> None:
        key = (sentence.source, sentence.source_id, sentence.owner_id)
        for other in self._rows.values():
            same = (other.source, other.source_id, other.owner_id) == key and other.id != sentence.id
            if same and sentence.source_id and other.deleted_at is None and sentence.deleted_at is None:
                raise sentence_already_exists(other.id, sentence)


class FakePronunciations:
    """The pronunciation dictionary in memory."""

    def __init__(self, state: State) -> None:
        self._rows = state.pronunciations

    async def get(self, pronunciation_id: PronunciationId, spaces: Spaces) -> Pronunciation | None:
        found = self._rows.get(pronunciation_id)
        return found if found is not None and _holds(spaces, found) else None

    async def find_one(self, word: str, reading: str, owner_id: UserId | None) -> Pronunciation | None:
        wanted = (word, reading, owner_id, None)
        rows = (row for row in self._rows.values() if (row.word, row.reading, row.owner_id, row.deleted_at) == wanted)
        return next(rows, None)

    async def within(self, text: str, spaces: Spaces) -> Sequence[Pronunciation]:
        return [row for row in self._rows.values() if _holds(spaces, row) and row.word in text and not row.deleted_at]

    async def find(self, wanted: PronunciationFilter, page: PageRequest) -> Page[Pronunciation]:
        rows = sorted(
            (
                row
                for row in self._rows.values()
                if _holds(wanted.spaces, row)
                and row.deleted_at is None
                and (row.word.startswith(wanted.prefix) or row.reading.startswith(to_katakana(wanted.prefix)))
                and (not wanted.words or row.word in wanted.words)
                and (page.after is None or (row.word, row.reading, row.id) > page.after)
            ),
            key=lambda row: (row.word, row.reading, row.id),
        )
        shown = rows[: page.size]
        last = shown[-1] if len(rows) > page.size else None
        return Page(tuple(shown), None if last is None else (last.word, last.reading, last.id))

    async def add(self, entry: Pronunciation, by: UserId) -> bool:
        if await self.find_one(entry.word, entry.reading, entry.owner_id) is not None:
            return False
        self._rows[entry.id] = entry
        return True

    async def save(self, entry: Pronunciation, by: UserId) -> bool:
        if self._rows[entry.id].revision != entry.revision - 1:
            return False
        self._rows[entry.id] = entry
        return True


def _holds(spaces: Spaces, entry: Pronunciation) -> bool:
    return spaces.shared if entry.owner_id is None else entry.owner_id == spaces.owner_id


class RealParts:
    """Open JTalk itself, made when first asked."""

    version = "Open JTalk in tests"

    def __init__(self) -> None:
        self._parts: TextParts | None = None

    async def take_apart(self, text: str, said: Sequence[Said] = ()) -> Parts:
        self._parts = self._parts or TextParts()
        return self._parts.take_apart(text, said)


def passes(sentence: Sentence, selection: Selection) -> bool:
    """Whether a sentence passes every filter."""
    texts = [sentence.english, *(other.text for other in sentence.other_translations)]
    kinds = {AudioOrigin.RECORDED: bool(sentence.recordings), AudioOrigin.SYNTHESIZED: sentence.synthesized}
    level = sentence.difficulty
    return (
        selection.spaces.hold(sentence)
        and selection.deleted == (sentence.deleted_at is not None)
        and all(
            _reads(sentence.japanese, term)
            or _reads(sentence.reading, term)
            or any(_fold(term) in _fold(text) for text in texts)
            for term in selection.terms
        )
        and (selection.min_difficulty is None or (level is not None and level >= selection.min_difficulty))
        and (selection.max_difficulty is None or (level is not None and level <= selection.max_difficulty))
        and (not selection.jlpt_levels or sentence.jlpt_level in selection.jlpt_levels)
        and (not selection.sources or sentence.source in selection.sources)
        and set(selection.tags) <= set(sentence.tags)
        and selection.has_audio in (None, any(kinds.values()))
        and (selection.audio_origin is None or kinds[selection.audio_origin])
        and selection.active in (None, sentence.active)
    )


def sort_value(sentence: Sentence, order: Order, terms: Sequence[str]) -> float:
    """What a list is ordered by, smallest first."""
    match order:
        case Order.NEWEST:
            return -sentence.created_at.timestamp()
        case Order.OLDEST:
            return sentence.created_at.timestamp()
        case Order.LAST_UPDATED:
            return -sentence.updated_at.timestamp()
        case Order.EASIEST:
            return 11 if sentence.difficulty is None else sentence.difficulty
        case Order.HARDEST:
            return 0 if sentence.difficulty is None else -sentence.difficulty
        case Order.SHORTEST:
            return sentence.character_count
        case Order.RELEVANCE:
            return 1000 * _rank(sentence, terms) + sentence.character_count


def _rank(sentence: Sentence, terms: Sequence[str]) -> int:
    japanese, english = _fold(sentence.japanese), _fold(sentence.english)
    if _fold(" ".join(terms)) in (japanese, english):
        return 0
    if all(_fold(term) in japanese for term in terms):
        return 1
    if all(_reads(sentence.reading, term) for term in terms) or all(_fold(term) in english for term in terms):
        return 2
    return 3


def _reads(text: str, term: str) -> bool:
    kana = kana_pattern(term)
    return _fold(term) in _fold(text) or (kana is not None and re.search(kana, _fold(text)) is not None)


def _fold(text: str) -> str:
    return to_hiragana(text).lower()


class FakeIdempotency:
    """First answers in memory."""

    def __init__(self, state: State) -> None:
        self._rows = state.answers

    async def claim(
        self, user_id: UserId, method: str, request_id: str, body_hash: bytes, now: datetime
    ) -> bytes | None:
        first_hash, answer = self._rows.setdefault((user_id, method, request_id), (body_hash, None))
        if first_hash != body_hash:
            raise AlreadyExists(Reason.REQUEST_ID_REUSED, "reused", metadata={"request_id": request_id})
        return answer

    async def store(self, user_id: UserId, method: str, request_id: str, response: bytes) -> None:
        body_hash, _ = self._rows[user_id, method, request_id]
        self._rows[user_id, method, request_id] = (body_hash, response)


class FakeAnalyser:
    """Knows the words of a small lexicon; what is kana between them is one word, read as it is written.

    Attributes:
        asked: the texts it was asked about.
    """

    def __init__(self, lexicon: Mapping[str, str] = LEXICON) -> None:
        self.asked: list[str] = []
        self._lexicon = lexicon
        known = "|".join(map(re.escape, lexicon))
        self._token = re.compile(f"{known}|[ぁ-ゖァ-ヺー]+|.", re.DOTALL)

    async def words(self, text: str) -> Sequence[Word]:
        self.asked.append(text)
        return [
            Word(match.start(), len(match.group()), self._reading(match.group()), match.group())
            for match in self._token.finditer(text)
        ]

    def _reading(self, written: str) -> str:
        return self._lexicon.get(written, written if kind_of(written[0]) is Kind.KANA else "")


# Imports are tested on PostgreSQL, see `tests/support/imports.py`.
_NO_IMPORTS: dict[str, Any] = dict.fromkeys(
    (
        "create_import",
        "upload_import",
        "push_import_chunk",
        "preview_import",
        "start_import",
        "get_import",
        "list_imports",
    )
)


class Content:
    """All use cases of content on fakes."""

    def __init__(self) -> None:
        self.database = FakeDatabase()
        self.clock = FixedClock()
        self.ids = CountingIds()
        self.analyser = FakeAnalyser()
        self.list_sentences = ListSentences(self.database)
        self.get_sentence = GetSentence(self.database)
        self.batch_get_sentences = BatchGetSentences(self.database)
        self.create_sentence = CreateSentence(self.database, self.analyser, self.clock, self.ids)
        self.update_sentence = UpdateSentence(self.database, self.analyser, self.clock)
        self.delete_sentence = DeleteSentence(self.database, self.clock)
        self.undelete_sentence = UndeleteSentence(self.database, self.clock)
        self.analyze_text = AnalyzeText(self.database, RealParts())
        self.list_pronunciations = ListPronunciations(self.database)
        self.set_pronunciation = SetPronunciation(self.database, self.clock, self.ids)
        self.delete_pronunciation = DeletePronunciation(self.database, self.clock)

    @property
    def state(self) -> State:
        """What is committed."""
        return self.database.state

    def store(self, *sentences: Sentence) -> None:
        """Puts sentences into the database."""
        self.state.sentences.update({sentence.id: sentence for sentence in sentences})

    def servicer(self) -> ContentServicer:
        """The service on these use cases."""
        return ContentServicer(
            ContentUseCases(
                list_sentences=self.list_sentences,
                get_sentence=self.get_sentence,
                batch_get_sentences=self.batch_get_sentences,
                create_sentence=self.create_sentence,
                update_sentence=self.update_sentence,
                delete_sentence=self.delete_sentence,
                undelete_sentence=self.undelete_sentence,
                analyze_text=self.analyze_text,
                list_pronunciations=self.list_pronunciations,
                set_pronunciation=self.set_pronunciation,
                delete_pronunciation=self.delete_pronunciation,
                **_NO_IMPORTS,
            ),
            PageTokens(b"secret" * 8),
        )


def seen_by(who: Caller) -> Spaces:
    """The spaces that a caller sees."""
    return Spaces(shared=True, owner_id=who.user_id)
