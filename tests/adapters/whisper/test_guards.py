from __future__ import annotations

import pytest

from server.adapters.whisper.guards import TokenRates, held_tone, loops, without_repetition

RATES = TokenRates()


@pytest.mark.parametrize(("tokens", "voice_seconds"), [(1, 0.16), (5, 0.5), (16, 2.6), (39, 5.3)])
def test_transcripts_of_people_are_no_runaways(tokens: int, voice_seconds: float) -> None:
    assert not RATES.runaway(tokens, voice_seconds)
    assert tokens < RATES.limit(voice_seconds)


@pytest.mark.parametrize(("tokens", "voice_seconds"), [(10, 0.38), (32, 2.56), (112, 3.0)])
def test_more_tokens_than_could_be_said_are(tokens: int, voice_seconds: float) -> None:
    assert RATES.runaway(tokens, voice_seconds)


@pytest.mark.parametrize(
    "text", ["と" * 40, "スタッフの上に、上に、上に、上に、上に、", "お前のお前のお前のお前のお前の"]
)
def test_loops_are_seen(text: str) -> None:
    assert loops(text)


@pytest.mark.parametrize("text", ["", "はいはいはいはい", "だんだん暖かくなる", "いろいろ", "もしもし、もしもし"])
def test_japanese_that_repeats_itself_is_no_loop(text: str) -> None:
    assert not loops(text)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("スマートフォンはスマホと弱されスマートフォンはスマホと弱され", "スマートフォンはスマホと弱され"),
        ("ノートパソコンがない。ノートパソコンがない。ノートパ", "ノートパソコンがない。"),
        ("ツツツツツツツツ", "ツ"),
        ("言ってない、言って、言って、言って、言って、言って、", "言ってない、言って"),
        ("今日はいい天気だ", "今日はいい天気だ"),
        ("いろいろ", "いろいろ"),
        ("", ""),
    ],
)
def test_repetition_is_cut(text: str, kept: str) -> None:
    assert without_repetition(text) == kept


@pytest.mark.parametrize(
    ("text", "voice_seconds"), [("んんんんん", 0.1), ("うううううう", 2.9), ("う", 2.9), ("おぉ", 2.0)]
)
def test_held_tones_are_no_words(text: str, voice_seconds: float) -> None:
    assert held_tone(text, voice_seconds) is (text != "おぉ")


@pytest.mark.parametrize("text", ["え", "あ。", "ええ", "いいえ", "青い"])
def test_short_words_of_vowels_are_words(text: str) -> None:
    assert not held_tone(text, 0.3)
