"""AnalyzeText takes texts apart; what people know better beats the analyser."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.content.domain.analysis import TextAnalysis, WordReadingOrigin
from server.content.domain.difficulty import FeatureKind
from server.content.domain.furigana import FuriganaSpan, first_misfit
from server.content.domain.part_of_speech import PartOfSpeech
from server.content.domain.pronunciation import PronunciationDraft
from server.content.domain.sentence import JlptLevel, Visibility
from server.errors import InvalidInput
from tests.support.content import OTHER_STUDENT, STUDENT, TEACHER, Content, RealParts

TEXT = "橋を渡って、学校へ行きましたか？"
PARTS = RealParts()


def phrases(analysis: TextAnalysis) -> list[tuple[str, tuple[int, ...]]]:
    return [("".join(mora.kana for mora in phrase.morae), phrase.accepted_accents) for phrase in analysis.phrases]


async def test_words_morae_and_phrases(content: Content) -> None:
    analysis = await content.analyze_text(STUDENT, TEXT)

    assert [word.surface for word in analysis.words][:5] == ["橋", "を", "渡っ", "て", "学校"]
    school = analysis.words[4]
    assert (school.lemma, school.reading, school.pronunciation) == ("学校", "ガッコウ", "ガッコー")
    assert (school.morae, school.accepted_accents) == (("ガ", "ッ", "コ", "ー"), (0,))
    assert school.part_of_speech is PartOfSpeech.NOUN
    assert analysis.words[5].pronunciation == "エ"
    assert analysis.reading == "はしをわたって、がっこうへいきましたか？"
    assert FuriganaSpan(6, 2, "がっこう") in analysis.furigana
    assert phrases(analysis) == [("ハシヲ", (2,)), ("ワタッテ", (0,)), ("ガッコーエ", (0,)), ("イキマシタカ", (3,))]
    assert [phrase.pause_after for phrase in analysis.phrases] == [False, True, False, False]
    assert [phrase.interrogative for phrase in analysis.phrases] == [False, False, False, True]
    assert [mora.kana for phrase in analysis.phrases for mora in phrase.morae if mora.devoiced] == ["シ"]
    assert analysis.mora_count == 18


@pytest.mark.parametrize(("word", "accent"), [("箸", 1), ("橋", 2), ("端", 0)])
async def test_homophones_differ_by_accent(content: Content, word: str, accent: int) -> None:
    analysis = await content.analyze_text(STUDENT, f"{word}が見える。")

    assert analysis.phrases[0].accepted_accents[0] == accent


async def test_difficulty_comes_with_its_evidence(content: Content) -> None:
    easy = await content.analyze_text(STUDENT, "水を飲む。")
    hard = await content.analyze_text(STUDENT, "憲法の解釈を巡る議論は、平行線を辿らざるを得なかった。")

    assert easy.difficulty is not None
    assert hard.difficulty is not None
    assert easy.difficulty.level <= 2 < 7 <= hard.difficulty.level
    assert easy.difficulty.score == pytest.approx(sum(feature.points for feature in easy.difficulty.features))
    evidence = {feature.kind: feature.evidence for feature in hard.difficulty.features}
    assert evidence[FeatureKind.HARDEST_GRAMMAR] == "ざるを得"
    assert evidence[FeatureKind.HARDEST_KANJI_GRADE] == "辿"


async def test_jlpt_is_estimated_from_the_hardest_listed_word(content: Content) -> None:
    analysis = await content.analyze_text(STUDENT, "水を飲む。")

    assert analysis.jlpt is not None
    assert analysis.jlpt.level is JlptLevel.N5
    assert set(analysis.jlpt.deciding_words) == {"水", "飲む"}


async def test_a_text_without_words_has_no_estimates(content: Content) -> None:
    analysis = await content.analyze_text(STUDENT, "…！？ 😀")

    assert (analysis.words, analysis.phrases, analysis.difficulty, analysis.jlpt) == ((), (), None, None)


async def test_a_known_reading_beats_the_analyser(content: Content) -> None:
    usual = await content.analyze_text(STUDENT, "今日は大人気ない。")
    known = await content.analyze_text(STUDENT, "今日は大人気ない。", reading="こんにちはおとなげない。")

    assert usual.reading != known.reading == "こんにちはおとなげない。"
    assert "".join(word.reading for word in known.words) == "コンニチハオトナゲナイ"


async def test_a_reading_of_another_text_is_left_out_of_account(content: Content) -> None:
    usual = await content.analyze_text(STUDENT, TEXT)

    assert await content.analyze_text(STUDENT, TEXT, reading="ぜんぜんちがう") == usual


async def test_entries_beat_the_analyser_and_own_ones_beat_shared_ones(content: Content) -> None:
    shared = PronunciationDraft("日本", "ニッポン", (3,), Visibility.SHARED)
    own = PronunciationDraft("日本", "ニホン", (2, 0), Visibility.PRIVATE)
    await content.set_pronunciation(TEACHER, shared)
    await content.set_pronunciation(STUDENT, own)

    mine = await content.analyze_text(STUDENT, "日本は広い。")
    theirs = await content.analyze_text(OTHER_STUDENT, "日本は広い。")
    bare = await content.analyze_text(STUDENT, "日本は広い。", ignore_pronunciations=True)

    assert (mine.words[0].pronunciation, mine.words[0].accepted_accents) == ("ニホン", (2, 0))
    assert mine.words[0].origin is WordReadingOrigin.OWN_ENTRY
    assert phrases(mine)[0] == ("ニホンワ", (2, 0))
    assert (theirs.words[0].pronunciation, theirs.words[0].origin) == ("ニッポン", WordReadingOrigin.SHARED_ENTRY)
    assert theirs.reading == "にっぽんはひろい。"
    assert bare.words[0].origin is WordReadingOrigin.ANALYZER


async def test_an_entry_of_several_words_is_one_word(content: Content) -> None:
    await content.set_pronunciation(STUDENT, PronunciationDraft("青空文庫館", "アオゾラカン", (4,), Visibility.PRIVATE))

    analysis = await content.analyze_text(STUDENT, "青空文庫館へ行く。")

    assert (analysis.words[0].surface, analysis.words[0].pronunciation) == ("青空文庫館", "アオゾラカン")
    assert phrases(analysis)[0] == ("アオゾラカンエ", (4,))


async def test_control_characters_are_refused(content: Content) -> None:
    with pytest.raises(InvalidInput):
        await content.analyze_text(STUDENT, "水\x00")


@settings(max_examples=150, deadline=None)
@given(
    st.text(
        st.sampled_from("学校今日橋はをがって、。？！ー々ABab19０９ｱ笑（）「」 　😀ゔヴ㎡％"), min_size=1, max_size=30
    )
)
async def test_everything_fits_its_text(text: str) -> None:
    parts = await PARTS.take_apart(text)

    end = 0
    for word in parts.words:
        assert word.offset >= end
        end = word.offset + word.length
        assert word.surface == text[word.offset : end]
        assert word.morae
    assert end <= len(text)
    for phrase in parts.phrases:
        assert phrase.morae
        assert text[phrase.offset : phrase.offset + phrase.length]
        assert all(0 <= accent <= len(phrase.morae) for accent in phrase.accepted_accents)
        assert all(0 <= mora.word_index < len(parts.words) and mora.vowel for mora in phrase.morae)
    spans = (await Content().analyze_text(STUDENT, text)).furigana
    assert first_misfit(text, spans) is None
