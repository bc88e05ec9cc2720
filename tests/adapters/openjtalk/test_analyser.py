"""Open JTalk's words stand where they are in the text and are read as they are said."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.adapters.openjtalk.analyser import OpenJTalkAnalyser, analyse
from server.adapters.openjtalk.readings import SpelledReadings, SpokenReadings
from server.adapters.openjtalk.synthesis import synthesize
from server.errors import Reason, Unavailable
from server.speech.domain.reference import build_reference


def words(text: str) -> list[tuple[str, str]]:
    return [(word.text, word.pronunciation) for word in analyse(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("今日は雨だ。", [("今日", "キョー"), ("は", "ワ"), ("雨", "アメ"), ("だ", "ダ"), ("。", "")]),
        ("1,000円です。", [("1,000", "セン"), ("円", "エン"), ("です", "デス"), ("。", "")]),
        ("…", [("…", "")]),
        ("", []),
        ("  ", []),
    ],
)
def test_words_and_pronunciations(text: str, expected: list[tuple[str, str]]) -> None:
    assert words(text) == expected


def test_numbers_written_with_digits_keep_their_place() -> None:
    found = analyse("3本とＡＩで、12時半に！？")
    assert "".join(word.text for word in found) == "3本とＡＩで、12時半に！？"
    assert [word.pronunciation for word in found][:4] == ["サン", "ボン", "ト", "エーアイ"]


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet="今日は雨だ学校へ行きます1２ａB!？。、ー っンヴ\n\t😀𠮟", max_size=20))
def test_spans_are_in_order_and_never_overlap(text: str) -> None:
    end = 0
    for word in analyse(text):
        assert word.span.offset >= end
        assert word.span.length > 0
        end = word.span.offset + word.span.length
        assert text[word.span.offset : end] == word.text
    assert end <= len(text)


async def test_both_services_get_their_own_reading() -> None:
    analyser = OpenJTalkAnalyser()
    try:
        spoken = await SpokenReadings(analyser).words("私は本を")
        spelled = await SpelledReadings(analyser).words("私は本を")
    finally:
        analyser.close()
    assert build_reference("私は本を", spoken).reading == "ワタシワホンオ"
    assert [word.reading for word in spelled] == ["ワタシ", "ハ", "ホン", "ヲ"]


async def test_too_much_at_once_is_refused_and_what_was_taken_on_is_done() -> None:
    analyser = OpenJTalkAnalyser()
    try:
        texts = [f"{number}円" for number in range(300)]
        outcomes = await asyncio.gather(*map(analyser.analyse, texts), return_exceptions=True)
        afterwards = await analyser.analyse(texts[-1])
    finally:
        analyser.close()
    refused = [outcome for outcome in outcomes if isinstance(outcome, Unavailable)]
    assert [outcome for outcome in outcomes if outcome not in refused] == [analyse(text) for text in texts[:256]]
    assert {(error.reason, error.retry_after) for error in refused} == {
        (Reason.ANALYZER_UNAVAILABLE, timedelta(seconds=1))
    }
    assert afterwards == analyse(texts[-1])


def test_synthesis_is_audible_and_of_a_sensible_length() -> None:
    samples = synthesize("今日は雨だ")
    assert 1.0 < len(samples) / 16_000 < 4.0
    assert 0.59 < abs(samples).max() < 0.61
