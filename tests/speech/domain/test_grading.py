"""The first recipe: what was recognised against what was to be read."""

from __future__ import annotations

import pytest

from server.speech.domain.assessment import Assessment, ErrorKind, UnassessableReason, Versions
from server.speech.domain.endpointing import Segment
from server.speech.domain.grading import Heard, SignalQuality, assess
from server.speech.domain.morae import split_morae
from server.speech.domain.reference import ReadWord, Reference, TextSpan, build_reference, with_reading

VERSIONS = Versions("kana-1", "test", "test")
CLEAN = SignalQuality(0.0, 30.0)


def reference(*words: tuple[str, str]) -> Reference:
    text, read = "", []
    for surface, reading in words:
        read.append(ReadWord(surface, TextSpan(len(text), len(surface)), reading))
        text += surface
    return build_reference(text, read)


BEER = reference(("ビール", "ビール"), ("を", "ヲ"), ("飲む", "ノム"), ("。", ""))


def heard(reading: str, *, seconds: float = 1.2, language: str = "ja", quality: SignalQuality = CLEAN) -> Heard:
    return Heard(reading, split_morae(reading), language, (Segment(0.3, 0.3 + seconds),), quality, 0.9)


def judge(reading: str, *, to: Reference = BEER, **how: object) -> Assessment:
    return assess([to], heard(reading, **how), VERSIONS)  # type: ignore[arg-type]


def test_a_right_reading_is_full_marks() -> None:
    result = judge("ビールオノム")
    assert result.assessable
    assert result.scores.accuracy == 100
    assert result.scores.completeness == 100
    assert result.scores.overall == pytest.approx(100, abs=5)
    assert result.scores.prosody is None
    assert all(mora.error is ErrorKind.NONE for mora in result.morae)
    assert [finding.key for finding in result.findings] == ["well_done"]


@pytest.mark.parametrize(
    ("reading", "mora", "error", "key"),
    [
        ("ビルオノム", 1, ErrorKind.LENGTH, "long_vowel_shortened"),
        ("ピールオノム", 0, ErrorKind.SUBSTITUTION, "sound_substituted"),
        ("ビールオドム", 4, ErrorKind.SUBSTITUTION, "sound_substituted"),
        ("ビールノム", 3, ErrorKind.OMISSION, "word_omitted"),
    ],
)
def test_one_error_is_found_where_it_is(reading: str, mora: int, error: ErrorKind, key: str) -> None:
    result = judge(reading)
    wrong = {i: m.error for i, m in enumerate(result.morae) if m.error is not ErrorKind.NONE}
    assert wrong == {mora: error}
    assert result.scores.overall is not None
    assert result.scores.overall < 98
    assert result.findings[0].key == key
    assert result.findings[0].work_on


@pytest.mark.parametrize(
    ("text", "reading", "said", "error", "key"),
    [
        ("切って", "キッテ", "キテ", ErrorKind.GEMINATE, "geminate_lost"),
        ("本", "ホン", "ホ", ErrorKind.NASAL, "nasal_lost"),
        ("学校", "ガッコー", "カッコー", ErrorKind.VOICING, "sound_substituted"),
    ],
)
def test_kinds_of_errors(text: str, reading: str, said: str, error: ErrorKind, key: str) -> None:
    result = judge(said, to=reference((text, reading)))
    assert [m.error for m in result.morae if m.error is not ErrorKind.NONE] == [error]
    assert result.findings[0].key == key


@pytest.mark.parametrize(
    ("text", "reading", "said", "key"),
    [
        ("ビル", "ビル", "ビール", "short_vowel_lengthened"),
        ("来て", "キテ", "キッテ", "geminate_added"),
        ("木の", "キノ", "キンノ", "nasal_added"),
        ("山", "ヤマ", "ヤタマ", "sound_inserted"),
    ],
)
def test_added_sounds(text: str, reading: str, said: str, key: str) -> None:
    result = judge(said, to=reference((text, reading)))
    assert len(result.insertions) == 1
    assert result.insertions[0].before_mora == 1
    assert result.findings[0].key == key
    assert result.words[0].error is not ErrorKind.NONE
    assert result.scores.accuracy is not None
    assert result.scores.accuracy < 100


def test_more_errors_never_score_better() -> None:
    sentence = reference(("明日", "アシタ"), ("学校", "ガッコー"), ("へ", "エ"), ("行き", "イキ"), ("ます", "マス"))
    readings = ["アシタガッコーエイキマス", "アシタガコーエイキマス", "アシタガコエイキマス", "アタガコエキマス"]
    scores = [judge(r, to=sentence).scores.overall or 0 for r in readings]
    assert scores == sorted(scores, reverse=True)
    assert len(set(scores)) == 4


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (Heard("", (), "", (), CLEAN), UnassessableReason.NO_SPEECH),
        (Heard("", (), "", (Segment(0, 1),), CLEAN), UnassessableReason.NO_SPEECH),
        (heard("ビールオノム", seconds=0.1), UnassessableReason.TOO_SHORT),
        (heard("ビールオノム", language="en"), UnassessableReason.OTHER_LANGUAGE),
        (heard("ビールオノム", quality=SignalQuality(0.2, 30)), UnassessableReason.CLIPPED),
        (heard("ビールオノム", quality=SignalQuality(0.0, 0.0)), UnassessableReason.TOO_NOISY),
        (heard("シャシンオトル"), UnassessableReason.OTHER_CONTENT),
    ],
)
def test_what_cannot_be_judged_says_why_and_has_no_scores(given: Heard, reason: UnassessableReason) -> None:
    result = assess([BEER], given, VERSIONS)
    assert result.reason is reason
    assert not result.assessable
    assert result.scores.overall is None
    assert result.morae == ()


def test_the_answer_that_fits_best_counts() -> None:
    answers = [reference(("三時", "サンジ"), ("です", "デス")), reference(("三時", "サンジ"), ("だよ", "ダヨ"))]
    result = assess(answers, heard("サンジダヨ"), VERSIONS)
    assert result.matched_answer == 1
    assert result.reference_text == "三時だよ"
    assert result.scores.accuracy == 100


def test_free_speech_is_judged_for_fluency_only() -> None:
    result = assess([], heard("キョーワイーテンキデス", seconds=1.6), VERSIONS)
    assert result.assessable
    assert result.scores.accuracy is None
    assert result.scores.completeness is None
    assert result.scores.overall is None
    assert result.scores.fluency == 100


def test_halting_reading_is_less_fluent() -> None:
    whole = Heard("", split_morae("キョーワイーテンキデス"), "ja", (Segment(0, 1.7),), CLEAN)
    pieces = (Segment(0, 0.5), Segment(1.3, 1.8), Segment(2.6, 3.1))
    halting = Heard("", whole.morae, "ja", pieces, CLEAN)
    one, other = assess([], whole, VERSIONS), assess([], halting, VERSIONS)
    assert (one.scores.fluency or 0) > 95
    assert (other.scores.fluency or 0) < 40
    assert other.fluency is not None
    assert len(other.fluency.pauses) == 2


def test_every_mora_belongs_to_a_word_that_has_it() -> None:
    result = judge("ビールオノム")
    assert [(w.word.text, w.first_mora, w.mora_count) for w in result.words] == [
        ("ビール", 0, 3),
        ("を", 3, 1),
        ("飲む", 4, 2),
    ]


@pytest.mark.parametrize(
    ("words", "checked", "expected"),
    [
        (
            [("市場", "シジョー"), ("へ", "エ"), ("行く", "イク"), ("。", "")],
            "いちばへいく",
            [("市場", "イチバ"), ("へ", "エ"), ("行く", "イク")],
        ),
        ([("こんにちは", "コンニチワ")], "こんにちは", [("こんにちは", "コンニチワ")]),
        (
            [("今日", "キョー"), ("は", "ワ"), ("辛い", "ツライ")],
            "きょうはからい",
            [("今日", "キョウ"), ("は", "ワ"), ("辛い", "カライ")],
        ),
        ([("大", "ダイ"), ("人", "ヒト")], "おとな", [("大人", "オトナ")]),
    ],
)
def test_a_checked_reading_is_given_to_the_analysers_words(
    words: list[tuple[str, str]], checked: str, expected: list[tuple[str, str]]
) -> None:
    text = "".join(surface for surface, _ in words)
    read, at = [], 0
    for surface, reading in words:
        read.append(ReadWord(surface, TextSpan(at, len(surface)), reading))
        at += len(surface)
    merged = with_reading(read, checked, text)
    assert [(word.text, word.reading) for word in merged] == expected


def test_another_sentence_is_no_reading_however_much_of_it_fits() -> None:
    """Three of seven morae are there, by chance, among nineteen."""
    tea = reference(("お茶", "オチャ"), ("を", "オ"), ("ください", "クダサイ"))
    result = judge("ケンサノマエワナニモタベナイデクダサイ", to=tea)
    assert result.reason is UnassessableReason.OTHER_CONTENT


def test_half_a_sentence_scores_no_more_than_its_half() -> None:
    rain = reference(("雨", "アメ"), ("が", "ガ"), ("好き", "スキ"), ("です", "デス"))
    scores = judge("アメデス", to=rain).scores
    assert scores.completeness == pytest.approx(100 * 4 / 7)
    assert scores.overall is not None
    assert scores.overall <= 100 * 4 / 7


def test_what_is_added_around_a_word_is_told_of_it() -> None:
    result = judge("ビールオノムネ")
    assert [(w.word.text, w.error) for w in result.words][-1] == ("飲む", ErrorKind.INSERTION)
    assert result.findings[0].key == "sound_inserted"


def test_nobody_is_praised_for_what_was_hardly_understood() -> None:
    unsure = Heard("ビールを飲む", split_morae("ビールオノム"), "ja", (Segment(0.3, 1.5),), CLEAN, 0.4)
    assert assess([BEER], unsure, VERSIONS).findings == ()


def test_a_short_word_always_has_a_score_and_a_wrong_one_a_low_one() -> None:
    rain = reference(("雨", "アメ"))
    wrong = judge("ハシ", to=rain, seconds=0.5)
    assert wrong.assessable
    assert wrong.scores.overall is not None
    assert wrong.scores.overall <= 20
    assert (judge("アメ", to=rain, seconds=0.5).scores.overall or 0) > 95
