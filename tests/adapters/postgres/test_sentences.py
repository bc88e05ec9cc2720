"""What content asks of where sentences are stored, held against the fake and PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import insert

from server.adapters.postgres.tables import AudioFileRow
from server.adapters.postgres.unit_of_work import PostgresUnitOfWork
from server.content.create_sentence import CreateSentence
from server.content.domain.furigana import FuriganaSpan
from server.content.domain.reading import ReadingOrigin
from server.content.domain.selection import Order, Selection
from server.content.domain.sentence import (
    AudioFormat,
    AudioId,
    AudioOrigin,
    JlptLevel,
    Recording,
    Sentence,
    Source,
    Translation,
)
from server.content.domain.spaces import Spaces
from server.content.load_starter_deck import Loaded, LoadStarterDeck
from server.content.mapping import decode_sentence, encode_sentence
from server.content.ports import Repeat, UnitOfWorkFactory
from server.content.starter_deck import read_starter_deck
from server.errors import AlreadyExists, Reason
from server.kernel.identity import UserId
from server.kernel.paging import PageRequest
from tests.support.accounts import make_user
from tests.support.content import KEN, MIKA, STUDENT, FakeAnalyser, FakeDatabase, make_draft, make_sentence
from tests.support.kernel import NOON, CountingIds, FixedClock

SHARED, OF_MIKA, OF_KEN = Spaces(True, None), Spaces(False, MIKA), Spaces(True, KEN)
FULL = replace(
    make_sentence(1, owner_id=MIKA),
    other_translations=(Translation("I'm a student.", "12", "Ken", "CC0 1.0"),),
    furigana=(FuriganaSpan(0, 1, "わたし"), FuriganaSpan(2, 2, "がくせい")),
    reading_origin=ReadingOrigin.HUMAN,
    difficulty=2,
    difficulty_computed=True,
    jlpt_level=JlptLevel.N5,
    source=Source.TATOEBA,
    source_id="1297",
    author="a",
    licence="b",
    english_source_id="c",
    english_author="d",
    english_licence="e",
    tags=("food", "学校"),
    active=False,
    updated_at=NOON + timedelta(seconds=1, microseconds=1),
    deleted_at=None,
    revision=1,
)


@pytest.fixture(params=["memory", "postgres"])
def database(request: pytest.FixtureRequest) -> FakeDatabase | Callable[[], PostgresUnitOfWork]:
    if request.param == "memory":
        return FakeDatabase()
    postgres: Callable[[], PostgresUnitOfWork] = request.getfixturevalue("unit_of_work")
    return postgres


@pytest.fixture
async def transaction(database: FakeDatabase | Callable[[], PostgresUnitOfWork]) -> UnitOfWorkFactory:
    """A database that has the owners of private sentences."""
    if not isinstance(database, FakeDatabase):
        await add_users(database)
    return database


async def add_users(unit_of_work: Callable[[], PostgresUnitOfWork]) -> None:
    async with unit_of_work() as uow:
        await uow.users.add(make_user(MIKA), "hash")
        await uow.users.add(make_user(KEN, email="ken@example.com", username="ken"), "hash")
        await uow.commit()


async def store(transaction: UnitOfWorkFactory, *sentences: Sentence) -> None:
    async with transaction() as uow:
        for sentence in sentences:
            await uow.sentences.add(sentence)
        await uow.commit()


async def listed(
    transaction: UnitOfWorkFactory, selection: Selection, order: Order = Order.OLDEST, size: int = 200
) -> list[int]:
    """The numbers of the sentences that pass, page by page."""
    numbers: list[int] = []
    page = PageRequest(size)
    while True:
        async with transaction() as uow:
            found = await uow.sentences.find(selection, order, page)
        numbers += (int(sentence.id[-12:], 16) for sentence in found.items)
        if found.next is None:
            return numbers
        assert len(found.items) == size
        page = PageRequest(size, found.next)


async def test_a_sentence_comes_back_as_it_was_stored(transaction: UnitOfWorkFactory) -> None:
    bare = replace(make_sentence(2), difficulty=None, reading="", english="")
    await store(transaction, FULL, bare)

    async with transaction() as uow:
        assert await uow.sentences.get(FULL.id, OF_MIKA) == FULL
        assert await uow.sentences.get(bare.id, SHARED) == bare


async def test_what_is_not_committed_is_not_there(transaction: UnitOfWorkFactory) -> None:
    async with transaction() as uow:
        await uow.sentences.add(FULL)

    async with transaction() as uow:
        assert await uow.sentences.get(FULL.id, OF_MIKA) is None


async def test_reads_are_held_to_their_spaces(transaction: UnitOfWorkFactory) -> None:
    shared, own, others = make_sentence(1), make_sentence(2, owner_id=MIKA), make_sentence(3, owner_id=KEN)
    await store(transaction, shared, own, others)
    everything = [sentence.id for sentence in (shared, own, others)]

    for spaces, expected in (
        (SHARED, [1]),
        (OF_MIKA, [2]),
        (OF_KEN, [1, 3]),
        (Spaces(False, None), []),
    ):
        async with transaction() as uow:
            several = await uow.sentences.get_many(everything, spaces)
            single = [await uow.sentences.get(sentence_id, spaces) for sentence_id in everything]
        names = {make_sentence(number).id for number in expected}
        assert {sentence.id for sentence in several} == names
        assert {sentence.id for sentence in single if sentence is not None} == names
        assert await listed(transaction, Selection(spaces)) == expected


async def test_tombstones_are_found_only_where_they_are_asked_for(transaction: UnitOfWorkFactory) -> None:
    deleted = replace(make_sentence(2), deleted_at=NOON)
    await store(transaction, make_sentence(1), deleted)

    async with transaction() as uow:
        assert await uow.sentences.get(deleted.id, SHARED) is None
        assert await uow.sentences.get(deleted.id, SHARED, or_deleted=True) == deleted
        assert await uow.sentences.get(deleted.id, OF_MIKA, or_deleted=True) is None
        assert await uow.sentences.get_many([deleted.id], SHARED) == []
    assert await listed(transaction, Selection(SHARED)) == [1]
    assert await listed(transaction, Selection(SHARED, deleted=True)) == [2]


async def test_a_change_follows_the_revision_before_it(transaction: UnitOfWorkFactory) -> None:
    await store(transaction, FULL)
    changed = replace(FULL, english="Changed.", tags=(), revision=2)

    async with transaction() as uow:
        assert await uow.sentences.save(changed)
        await uow.commit()
    async with transaction() as uow:
        assert not await uow.sentences.save(replace(FULL, english="Too late.", revision=2))
        await uow.commit()

    async with transaction() as uow:
        assert await uow.sentences.get(FULL.id, OF_MIKA) == changed


async def test_a_source_id_is_taken_once_a_space(transaction: UnitOfWorkFactory) -> None:
    first = replace(make_sentence(1), source_id="7")
    await store(
        transaction,
        first,
        replace(make_sentence(2, owner_id=MIKA), source_id="7"),
        replace(make_sentence(3, owner_id=KEN), source_id="7"),
        replace(make_sentence(4), source_id="7", source=Source.ANKI),
        make_sentence(5),
        make_sentence(6),
        replace(make_sentence(7), source_id="7", deleted_at=NOON),
    )

    async with transaction() as uow:
        with pytest.raises(AlreadyExists) as refused:
            await uow.sentences.add(replace(make_sentence(8), source_id="7"))
        with pytest.raises(AlreadyExists):
            await uow.sentences.save(replace(make_sentence(7), source_id="7", revision=2))
        await uow.sentences.add(replace(make_sentence(9), source_id="8"))
        await uow.commit()

    assert refused.value.reason is Reason.SENTENCE_ALREADY_EXISTS
    assert refused.value.metadata == {
        "sentence_id": first.id,
        "source": "SENTENCE_SOURCE_CUSTOM",
        "source_id": "7",
    }
    assert await listed(transaction, Selection(Spaces(True, None))) == [1, 4, 5, 6, 9]


async def test_shared_sentences_of_a_source_are_found_with_tombstones_first(transaction: UnitOfWorkFactory) -> None:
    await store(
        transaction,
        replace(make_sentence(1), source_id="b"),
        replace(make_sentence(2), source_id="a"),
        replace(make_sentence(3), source_id="b", deleted_at=NOON),
        replace(make_sentence(4, owner_id=MIKA), source_id="c"),
        replace(make_sentence(5), source_id="d", source=Source.ANKI),
        make_sentence(6),
    )

    async with transaction() as uow:
        found = await uow.sentences.find_shared_by_source_id(Source.CUSTOM)

    assert [sentence.id for sentence in found] == [make_sentence(number).id for number in (2, 3, 1)]


EASY = replace(
    make_sentence(1),
    japanese="私は学生です。",
    difficulty=1,
    jlpt_level=JlptLevel.N5,
    source=Source.TATOEBA,
    tags=("a", "b"),
)
HARD = replace(
    make_sentence(2, owner_id=KEN),
    japanese="100%の力で\\走れ_。",
    reading="ひゃくぱーせんとのちからで はしれ。",
    english="Run at 100% of your Power.",
    other_translations=(Translation("Give it your all!"), Translation("Go, student")),
    difficulty=9,
    jlpt_level=JlptLevel.N2,
    source=Source.ANKI,
    tags=("b", "c"),
    active=False,
)
UNKNOWN = replace(make_sentence(3), japanese="コーヒー", reading="コーヒー", english="", difficulty=None)


@pytest.mark.parametrize(
    ("filters", "numbers"),
    [
        ({}, [1, 2, 3]),
        ({"terms": ("学生",)}, [1]),
        ({"terms": ("がくせい",)}, [1, 3]),
        ({"terms": ("ちから",)}, [2]),
        ({"terms": ("STUDENT",)}, [1, 2, 3]),
        ({"terms": ("your", "power")}, [2]),
        ({"terms": ("all!", "走れ")}, [2]),
        ({"terms": ("%",)}, [2]),
        ({"terms": ("_",)}, [2]),
        ({"terms": ("\\",)}, [2]),
        ({"terms": ("0%の",)}, [2]),
        ({"terms": ("text",)}, []),
        ({"terms": ("ガクセイ",)}, [1, 3]),
        ({"terms": ("ｶﾞｸｾｲ",)}, [1, 3]),
        ({"terms": ("gakusei",)}, [1, 3]),
        ({"terms": ("GAKUSEI", "ｄｅｓｕ")}, [1]),
        ({"terms": ("watasi", "wa")}, [1]),
        ({"terms": ("こーひー",)}, [3]),
        ({"terms": ("kōhī",)}, [3]),
        ({"terms": ("koohii",)}, [3]),
        ({"terms": ("hyakupaasento",)}, [2]),
        ({"terms": ("ｃｏｆｆｅｅ",)}, [3]),
        ({"terms": ("no",)}, [2]),
        ({"terms": ("１００",)}, [2]),
        ({"min_difficulty": 2}, [2]),
        ({"max_difficulty": 2}, [1]),
        ({"min_difficulty": 1, "max_difficulty": 9}, [1, 2]),
        ({"min_difficulty": 9, "max_difficulty": 1}, []),
        ({"jlpt_levels": frozenset({JlptLevel.N5, JlptLevel.N2})}, [1, 2]),
        ({"jlpt_levels": frozenset({JlptLevel.N1})}, []),
        ({"sources": frozenset({Source.ANKI, Source.CUSTOM})}, [2, 3]),
        ({"tags": ("b",)}, [1, 2]),
        ({"tags": ("b", "a")}, [1]),
        ({"tags": ("B",)}, []),
        ({"active": True}, [1, 3]),
        ({"active": False}, [2]),
        ({"has_audio": True}, []),
        ({"has_audio": False, "tags": ("a",)}, [1]),
    ],
)
async def test_filters(transaction: UnitOfWorkFactory, filters: dict[str, object], numbers: list[int]) -> None:
    unknown = replace(UNKNOWN, other_translations=(Translation("Student's coffee"),), reading="コーヒー がくせい")
    await store(transaction, EASY, HARD, unknown)
    selection = replace(Selection(Spaces(True, KEN)), **filters)  # type: ignore[arg-type]

    assert await listed(transaction, selection) == numbers


@pytest.mark.parametrize(
    ("order", "numbers"),
    [
        (Order.NEWEST, [4, 5, 2, 3, 1]),
        (Order.OLDEST, [1, 2, 3, 4, 5]),
        (Order.LAST_UPDATED, [1, 2, 3, 4, 5]),
        (Order.EASIEST, [3, 1, 5, 2, 4]),
        (Order.HARDEST, [1, 5, 3, 2, 4]),
        (Order.SHORTEST, [5, 1, 2, 3, 4]),
        (Order.RELEVANCE, [2, 5, 1, 3, 4]),
    ],
)
@pytest.mark.parametrize("size", [1, 2, 3, 200])
async def test_orders_hold_across_pages(
    transaction: UnitOfWorkFactory, order: Order, numbers: list[int], size: int
) -> None:
    days = [timedelta(days=day) for day in range(4)]
    rows = [
        ("Yes, sir: はい", "Yes", 7, 6, 0, 3),
        ("はい", "yes", None, 7, 1, 2),
        ("ええ", "はい. Yes, yes", 2, 8, 1, 2),
        ("うん", "Right", None, 9, 2, 1),
        ("はい。", "Right", 7, 3, 2, 0),
    ]
    await store(
        transaction,
        *(
            replace(
                make_sentence(number),
                japanese=japanese,
                english=english,
                reading="",
                difficulty=difficulty,
                character_count=count,
                created_at=NOON + days[created],
                updated_at=NOON + days[updated],
                other_translations=(Translation("はい"),),
            )
            for number, (japanese, english, difficulty, count, created, updated) in enumerate(rows, 1)
        ),
    )
    terms = ("はい",) if order is Order.RELEVANCE else ()

    assert await listed(transaction, Selection(SHARED, terms=terms), order, size) == numbers


async def test_a_word_is_found_as_english_and_as_japanese(transaction: UnitOfWorkFactory) -> None:
    texts = [
        ("雨だ", "あめだ", "It's rainy."),
        ("雨", "あめ", "Ame"),
        ("来た", "きた", "She came."),
        ("夢", "ゆめ", "Dream"),
    ]
    await store(
        transaction,
        *(
            replace(make_sentence(number, japanese=japanese), reading=reading, english=english)
            for number, (japanese, reading, english) in enumerate(texts, 1)
        ),
    )

    assert await listed(transaction, Selection(SHARED, terms=("ame",)), Order.RELEVANCE) == [2, 1, 3]
    assert await listed(transaction, Selection(SHARED, terms=("アメ",)), Order.RELEVANCE) == [2, 1]


async def test_inserts_between_pages_move_nothing(transaction: UnitOfWorkFactory) -> None:
    await store(transaction, *(make_sentence(number) for number in (2, 4, 6, 8)))
    selection = Selection(SHARED)

    async with transaction() as uow:
        first = await uow.sentences.find(selection, Order.NEWEST, PageRequest(2))
    await store(transaction, make_sentence(1), make_sentence(5))
    async with transaction() as uow:
        second = await uow.sentences.find(selection, Order.NEWEST, PageRequest(9, first.next))

    assert [int(row.id[-2:], 16) for row in (*first.items, *second.items)] == [2, 4, 5, 6, 8]


async def test_two_who_take_one_source_id_at_once(unit_of_work: Callable[[], PostgresUnitOfWork]) -> None:
    async def take(number: int) -> bool:
        try:
            await store(unit_of_work, replace(make_sentence(number), source_id="7"))
        except AlreadyExists:
            return False
        return True

    assert sorted(await asyncio.gather(*(take(number) for number in range(1, 6)))) == [False] * 4 + [True]


async def test_one_request_sent_several_times_at_once_makes_one_sentence(
    unit_of_work: Callable[[], PostgresUnitOfWork],
) -> None:
    await add_users(unit_of_work)
    create = CreateSentence(unit_of_work, FakeAnalyser(), FixedClock(), CountingIds())
    repeat = Repeat("7d0c7b5e-0000-4000-8000-000000000001", bytes(32), encode_sentence, decode_sentence)

    made = await asyncio.gather(*(create(STUDENT, make_draft(), repeat) for _ in range(5)))

    assert len({sentence.id for sentence in made}) == 1
    assert await listed(unit_of_work, Selection(OF_MIKA)) != []


def audio_row(
    audio_id: str, *, generated: bool = False, position: int = 0, user_id: UserId | None = None
) -> dict[str, object]:
    return {
        "id": audio_id,
        "object_key": audio_id,
        "size_bytes": 9,
        "duration_seconds": 1.5,
        "content_type": "audio/flac",
        "sample_rate_hertz": 48_000,
        "sha256": bytes(32),
        "generated": generated,
        "model": "voice" if generated else None,
        "licence": "CC0 1.0",
        "position": position,
        "sentence_id": make_sentence(1).id,
        "user_id": user_id,
        "created_at": NOON,
    }


async def test_recordings_are_read_and_arranged(unit_of_work: Callable[[], PostgresUnitOfWork]) -> None:
    await add_users(unit_of_work)
    await store(unit_of_work, make_sentence(1), make_sentence(2))
    ids = [AudioId(f"0198c0de-0000-7000-b000-00000000000{number}") for number in range(1, 6)]
    rows = [
        audio_row(ids[0], position=1),
        audio_row(ids[1]),
        audio_row(ids[2], position=2),
        audio_row(ids[3], generated=True),
        audio_row(ids[4], user_id=MIKA),
    ]

    async with unit_of_work() as uow:
        await uow.session.execute(insert(AudioFileRow), rows)
        before = await uow.sentences.get(make_sentence(1).id, SHARED)
        await uow.sentences.arrange_recordings(make_sentence(1).id, [ids[2], ids[1]])
        after = await uow.sentences.get(make_sentence(1).id, SHARED)
        await uow.commit()

    assert before is not None
    assert after is not None
    assert [recording.id for recording in before.recordings] == [ids[1], ids[0], ids[2]]
    assert [recording.id for recording in after.recordings] == [ids[2], ids[1]]
    assert before.synthesized
    assert after.synthesized
    assert after.recordings[0] == Recording(
        ids[2], AudioFormat.FLAC, 48_000, timedelta(seconds=1.5), 9, "", "CC0 1.0", "", NOON
    )
    has = Selection(SHARED, has_audio=True)
    assert await listed(unit_of_work, has) == [1]
    assert await listed(unit_of_work, replace(has, audio_origin=AudioOrigin.RECORDED)) == [1]
    assert await listed(unit_of_work, replace(has, audio_origin=AudioOrigin.SYNTHESIZED)) == [1]
    assert await listed(unit_of_work, Selection(SHARED, has_audio=False)) == [2]

    async with unit_of_work() as uow:
        await uow.sentences.arrange_recordings(make_sentence(1).id, [])
        await uow.commit()
    assert await listed(unit_of_work, replace(has, audio_origin=AudioOrigin.RECORDED)) == []
    assert await listed(unit_of_work, has) == [1]


async def test_the_starter_deck_is_stored_once_however_many_servers_start(
    unit_of_work: Callable[[], PostgresUnitOfWork],
) -> None:
    ids, clock = CountingIds(), FixedClock()
    loads = [LoadStarterDeck(unit_of_work, FakeAnalyser(), clock, ids, read_starter_deck()) for _ in range(3)]

    first = await asyncio.gather(*(load() for load in loads[:2]))
    rows = len(read_starter_deck().splitlines()) - 1

    assert sum(loaded.added for loaded in first) == rows
    assert await loads[2]() == Loaded(added=0, changed=0)
    assert len(await listed(unit_of_work, Selection(SHARED))) == rows
