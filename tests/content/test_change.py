"""How sentences are made and changed: readings, what is computed, what is kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from server.content.domain.change import Change, Draft, apply, create, needs_analysis
from server.content.domain.furigana import FuriganaSpan, Word
from server.content.domain.reading import ReadingOrigin
from server.content.domain.sentence import JlptLevel, Sentence, SentenceId, Translation, Visibility
from server.errors import InvalidInput, Reason
from tests.support.content import MIKA, FakeAnalyser, make_draft
from tests.support.kernel import NOON

TEXT = "私は学生です。"
WATASHI, GAKUSEI = FuriganaSpan(0, 1, "わたし"), FuriganaSpan(2, 2, "がくせい")


async def words(text: str) -> Sequence[Word]:
    return await FakeAnalyser().words(text)


async def made(draft: Draft) -> Sentence:
    found = await words(draft.japanese.strip())
    return create(draft, found, sentence_id=SentenceId("s"), owner_id=MIKA, now=NOON)


async def changed(sentence: Sentence, change: Change) -> Sentence:
    text = change.japanese.strip() if "japanese" in change.fields else sentence.japanese
    return apply(sentence, replace(change, path="sentence."), await words(text))


def fields(*names: str) -> frozenset[str]:
    return frozenset(names)


async def test_what_is_not_given_is_computed() -> None:
    sentence = await made(make_draft())

    assert (sentence.reading, sentence.furigana) == ("わたしはがくせいです。", (WATASHI, GAKUSEI))
    assert sentence.reading_origin is ReadingOrigin.ANALYZER
    assert (sentence.difficulty, sentence.difficulty_computed) == (1, True)
    assert (sentence.word_count, sentence.character_count) == (4, 7)
    assert sentence.jlpt_level is JlptLevel.N5


async def test_what_is_given_stays() -> None:
    sentence = await made(replace(make_draft(), difficulty=7, jlpt_level=JlptLevel.N3, active=False))

    assert (sentence.difficulty, sentence.difficulty_computed) == (7, False)
    assert sentence.jlpt_level is JlptLevel.N3
    assert not sentence.active


async def test_texts_are_trimmed_and_spans_move_along() -> None:
    spans = (replace(WATASHI, offset=2), replace(GAKUSEI, offset=4))
    sentence = await made(replace(make_draft(f"　\n{TEXT} "), english=" I am. ", furigana=spans))

    assert (sentence.japanese, sentence.english) == (TEXT, "I am.")
    assert sentence.furigana == (WATASHI, GAKUSEI)


async def test_a_reading_lays_its_own_furigana_and_takes_the_texts_punctuation() -> None:
    sentence = await made(replace(make_draft(), reading="ワタクシはがくせいです"))

    assert sentence.reading == "わたくしはがくせいです。"
    assert sentence.furigana == (FuriganaSpan(0, 1, "わたくし"), GAKUSEI)
    assert sentence.reading_origin is ReadingOrigin.HUMAN


async def test_furigana_make_the_reading() -> None:
    spans = (FuriganaSpan(0, 1, "わたくし"), GAKUSEI)
    sentence = await made(replace(make_draft(), furigana=spans))

    assert (sentence.reading, sentence.furigana) == ("わたくしはがくせいです。", spans)
    assert sentence.reading_origin is ReadingOrigin.HUMAN


async def test_the_analyser_reads_what_furigana_leave_out() -> None:
    spans = (FuriganaSpan(0, 1, "わたくし"),)
    sentence = await made(replace(make_draft(), furigana=spans))

    assert (sentence.reading, sentence.furigana) == ("わたくしはがくせいです。", spans)


async def test_a_reading_and_furigana_that_agree_are_kept() -> None:
    sentence = await made(replace(make_draft(), reading="わたしは がくせいです", furigana=(GAKUSEI,)))

    assert (sentence.reading, sentence.furigana) == ("わたしはがくせいです。", (GAKUSEI,))


@pytest.mark.parametrize(
    ("reading", "furigana"),
    [
        ("わたしわがくせいです", ()),
        ("わたしはせいとです", (GAKUSEI,)),
        ("わたしは学生です", ()),
        ("わたし\0", ()),
    ],
)
async def test_a_reading_that_is_none_of_the_text_is_refused(reading: str, furigana: tuple[FuriganaSpan, ...]) -> None:
    with pytest.raises(InvalidInput) as refused:
        await made(replace(make_draft(), reading=reading, furigana=furigana))

    assert refused.value.reason is Reason.INVALID_FIELD
    assert refused.value.metadata == {"field": "reading"}


async def test_a_span_past_the_text_is_refused() -> None:
    with pytest.raises(InvalidInput) as refused:
        await made(replace(make_draft(f"{TEXT}  "), furigana=(WATASHI, FuriganaSpan(6, 2, "まる"))))

    assert refused.value.reason is Reason.SPAN_MISFIT
    assert refused.value.metadata == {"field": "furigana[1]", "character_count": "7"}


async def test_a_blank_translation_is_refused() -> None:
    with pytest.raises(InvalidInput) as refused:
        await made(replace(make_draft(), other_translations=(Translation("ok"), Translation(" "))))

    assert refused.value.metadata == {"field": "other_translations[1].text"}


async def test_another_text_is_analysed_anew_and_drops_a_persons_reading() -> None:
    sentence = await made(replace(make_draft(), reading="わたくしはがくせいです"))

    new = await changed(sentence, Change(fields("japanese"), japanese=" 先生と食べ物。"))

    assert (new.japanese, new.reading) == ("先生と食べ物。", "せんせいとたべもの。")
    assert new.reading_origin is ReadingOrigin.ANALYZER
    assert (new.word_count, new.character_count) == (3, 7)


async def test_another_text_can_bring_its_reading() -> None:
    sentence = await made(make_draft())
    change = Change(fields("japanese", "reading"), japanese="先生。", reading="さきなま")

    new = await changed(sentence, change)

    assert (new.reading, new.furigana) == ("さきなま。", (FuriganaSpan(0, 2, "さきなま"),))
    assert new.reading_origin is ReadingOrigin.HUMAN


async def test_a_computed_difficulty_follows_the_text_and_one_by_hand_stays() -> None:
    change = Change(fields("japanese"), japanese="学生" * 10)

    assert (await changed(await made(make_draft()), change)).difficulty == 8
    assert (await changed(await made(replace(make_draft(), difficulty=2)), change)).difficulty == 2


async def test_a_difficulty_left_empty_is_computed_again() -> None:
    new = await changed(await made(replace(make_draft(), difficulty=9)), Change(fields("difficulty")))

    assert (new.difficulty, new.difficulty_computed) == (1, True)


async def test_a_reading_left_empty_is_the_analysers_again() -> None:
    sentence = await made(replace(make_draft(), reading="わたくしはがくせいです"))

    new = await changed(sentence, Change(fields("reading")))

    assert new == await made(make_draft())


async def test_furigana_left_empty_are_laid_anew_and_agree_with_a_persons_reading() -> None:
    sentence = await made(replace(make_draft(), reading="わたくしはがくせいです", furigana=(GAKUSEI,)))

    new = await changed(sentence, Change(fields("furigana")))

    assert new.furigana == (FuriganaSpan(0, 1, "わたくし"), GAKUSEI)
    assert (new.reading, new.reading_origin) == (sentence.reading, ReadingOrigin.HUMAN)


async def test_furigana_change_the_reading() -> None:
    new = await changed(
        await made(make_draft()), Change(fields("furigana"), furigana=(FuriganaSpan(0, 1, "あたし"), GAKUSEI))
    )

    assert (new.reading, new.reading_origin) == ("あたしはがくせいです。", ReadingOrigin.HUMAN)


async def test_fields_that_are_not_named_stay() -> None:
    sentence = await made(replace(make_draft(), english="I am.", author="Mika", tags=("a",)))
    change = Change(fields("english", "tags"), english=" You are. ", author="x", tags=("c ", "b"), active=False)

    assert await changed(sentence, change) == replace(sentence, english="You are.", tags=("b", "c"))


async def test_every_plain_field_can_be_changed() -> None:
    sentence = await made(make_draft())
    new = {
        "english": "a",
        "author": "b",
        "licence": "c",
        "english_source_id": "d",
        "english_author": "e",
        "english_licence": "f",
        "other_translations": (Translation("g"),),
        "jlpt_level": JlptLevel.N1,
        "active": False,
    }
    change = replace(Change(frozenset(new)), **new)  # type: ignore[arg-type]

    assert await changed(sentence, change) == replace(sentence, **new)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "reason", "field"),
    [
        (Change(fields("japanese")), Reason.INVALID_FIELD, "sentence.japanese"),
        (Change(fields("japanese"), japanese="Hello"), Reason.TEXT_NOT_JAPANESE, "sentence.japanese"),
        (Change(fields("reading"), reading="わたしわ"), Reason.INVALID_FIELD, "sentence.reading"),
        (Change(fields("tags"), tags=(" ",)), Reason.INVALID_FIELD, "sentence.tags[0]"),
        (Change(fields("author"), author="\0"), Reason.INVALID_FIELD, "sentence.author"),
        (
            Change(fields("furigana"), furigana=(GAKUSEI, WATASHI)),
            Reason.SPAN_MISFIT,
            "sentence.furigana[1]",
        ),
    ],
)
async def test_wrong_fields_are_named_as_the_request_has_them(change: Change, reason: Reason, field: str) -> None:
    sentence = await made(make_draft())

    with pytest.raises(InvalidInput) as refused:
        await changed(sentence, change)

    assert refused.value.reason is reason
    assert refused.value.metadata["field"] == field


@pytest.mark.parametrize(
    ("name", "needed"), [("japanese", True), ("reading", True), ("furigana", True), ("english", False), ("tags", False)]
)
def test_the_analyser_is_asked_only_about_readings(name: str, needed: bool) -> None:
    assert needs_analysis(Change(fields(name))) is needed


def test_drafts_default_to_what_the_contract_says() -> None:
    assert make_draft().active
    assert make_draft(visibility=Visibility.SHARED).visibility is Visibility.SHARED
