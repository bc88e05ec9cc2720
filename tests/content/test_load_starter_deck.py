"""The starter deck is loaded once, and again only where it says something new."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from server.content.domain.furigana import FuriganaSpan, Word
from server.content.domain.reading import ReadingOrigin
from server.content.domain.sentence import JlptLevel, Sentence, Source, Visibility
from server.content.load_starter_deck import Loaded, LoadStarterDeck
from server.content.starter_deck import parse_deck, read_starter_deck
from tests.support.content import TEACHER, Content, FakeAnalyser

HEADER = "key\tjapanese\treading\tfurigana\tenglish\tdifficulty\tjlpt\ttags"
ONE = "school-001\t私は学生です。\tわたしはがくせいです\t0:1:わたし;2:2:がくせい\tI'm a student.\t2\tN5\tschool polite"
TWO = "food-001\t食べ物は？\tたべものは\t0:1:た;2:1:もの\tAnd the food?\t1\tN4\tfood plain"


def deck(*rows: str) -> str:
    return "\n".join((HEADER, *rows)) + "\n"


def loader(content: Content, *rows: str) -> LoadStarterDeck:
    return LoadStarterDeck(content.database, FakeAnalyser(), content.clock, content.ids, deck(*rows))


def stored(content: Content) -> dict[str, Sentence]:
    return {sentence.source_id: sentence for sentence in content.state.sentences.values()}


async def test_rows_become_shared_sentences(content: Content) -> None:
    assert await loader(content, ONE, TWO)() == Loaded(added=2, changed=0)

    sentence = stored(content)["school-001"]
    assert sentence.visibility is Visibility.SHARED
    assert (sentence.japanese, sentence.english) == ("私は学生です。", "I'm a student.")
    assert sentence.reading == "わたしはがくせいです。"
    assert sentence.furigana == (FuriganaSpan(0, 1, "わたし"), FuriganaSpan(2, 2, "がくせい"))
    assert sentence.reading_origin is ReadingOrigin.HUMAN
    assert (sentence.difficulty, sentence.difficulty_computed) == (2, False)
    assert sentence.jlpt_level is JlptLevel.N5
    assert (sentence.source, sentence.source_id) == (Source.CUSTOM, "school-001")
    assert (sentence.author, sentence.licence) == ("Kaiwa", "CC0-1.0")
    assert (sentence.english_author, sentence.english_licence) == ("Kaiwa", "CC0-1.0")
    assert sentence.tags == ("polite", "school")
    assert (sentence.word_count, sentence.character_count, sentence.active) == (4, 7, True)


async def test_a_second_load_changes_nothing(content: Content) -> None:
    await loader(content, ONE, TWO)()
    before = content.state
    content.clock.advance(timedelta(days=1))

    assert await loader(content, ONE, TWO)() == Loaded(added=0, changed=0)
    assert content.state.sentences == before.sentences


async def test_a_row_that_says_something_new_replaces_its_sentence(content: Content) -> None:
    await loader(content, ONE, TWO)()
    first = stored(content)
    content.clock.advance(timedelta(days=1))

    assert await loader(content, ONE.replace("I'm", "I am"), TWO)() == Loaded(added=0, changed=1)

    after = stored(content)
    assert after["food-001"] == first["food-001"]
    assert after["school-001"] == replace(
        first["school-001"],
        english="I am a student.",
        english_source_id=after["school-001"].english_source_id,
        updated_at=content.clock.now(),
        revision=2,
    )
    assert await loader(content, ONE.replace("I'm", "I am"), TWO)() == Loaded(added=0, changed=0)


async def test_what_teachers_changed_or_deleted_stays(content: Content) -> None:
    await loader(content, ONE, TWO)()
    first = stored(content)
    edited = replace(first["school-001"], english="Edited.", active=False, revision=2)
    content.store(edited)
    await content.delete_sentence(TEACHER, first["food-001"].id)
    before = content.state.sentences

    assert await loader(content, ONE, TWO.replace("And", "What about"))() == Loaded(added=0, changed=0)
    assert content.state.sentences == before


async def test_a_teachers_own_sentence_under_a_key_of_the_deck_stays(content: Content) -> None:
    await loader(content, ONE)()
    sentence = stored(content)["school-001"]
    own = replace(sentence, english_source_id="", author="Ms Mori", english="Own.")
    content.store(own)

    assert await loader(content, ONE)() == Loaded(added=0, changed=0)
    assert stored(content)["school-001"] == own


async def test_a_key_taken_by_another_process_meanwhile_is_left_to_it(content: Content) -> None:
    class Racing(FakeAnalyser):
        async def words(self, text: str) -> Sequence[Word]:
            if not self.asked:
                await loader(content, ONE)()
            return await super().words(text)

    late = LoadStarterDeck(content.database, Racing(), content.clock, content.ids, deck(ONE, TWO))

    assert await late() == Loaded(added=1, changed=0)
    assert len(content.state.sentences) == 2


async def test_the_decks_own_file_loads(content: Content) -> None:
    text = read_starter_deck()
    load = LoadStarterDeck(content.database, FakeAnalyser(), content.clock, content.ids, text)

    assert await load() == Loaded(added=len(text.splitlines()) - 1, changed=0)
    assert len(content.state.sentences) >= 150
    assert all(sentence.reading_origin is ReadingOrigin.HUMAN for sentence in content.state.sentences.values())


@pytest.mark.parametrize(
    "text", ["", "key\tjapanese\n", deck(ONE, ONE), deck(ONE.rsplit("\t", 1)[0]), deck(ONE.replace("N5", "N6"))]
)
def test_what_is_no_deck_is_refused(text: str) -> None:
    with pytest.raises((ValueError, KeyError)):
        parse_deck(text)
