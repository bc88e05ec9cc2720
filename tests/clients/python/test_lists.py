"""`kaiwa sentences`, `history`, `attempt` and `transcribe`."""

from __future__ import annotations

import asyncio
import re

import pytest

from kaiwa.content.v1 import content_service_pb2 as content_pb2
from tests.clients.python.conftest import CommandLine, Recorder
from tests.support.fake_kaiwa import SENTENCE_ID, FakeKaiwa
from tests.support.fake_practice import READING, TEXT


async def test_sentences(learner: CommandLine, fake: FakeKaiwa) -> None:
    options = ["--search", "rain", "--difficulty", "1-3", "--tag", "weather", "--tag", "short", "--limit", "1"]
    assert await learner("sentences", *options) == 0
    assert learner.out == (
        " 2  今日は雨だ\n    きょうはあめだ · It is rainy today.\n    0198c0de-0000-7000-a000-000000000001  weather\n"
        "1 of more shown; --limit shows more.\n"
    )
    request = fake.state.requests[-2]
    assert (request.query, request.min_difficulty, request.max_difficulty) == ("rain", 1, 3)
    assert (list(request.tags), request.page_size) == (["weather", "short"], 2)
    assert request.order == content_pb2.SENTENCE_ORDER_UNSPECIFIED


async def test_sentences_come_easiest_first_and_the_last_says_nothing(learner: CommandLine, fake: FakeKaiwa) -> None:
    assert await learner("sentences", "--limit", "2") == 0
    assert fake.state.requests[-1].order == content_pb2.SENTENCE_ORDER_EASIEST
    assert learner.out.count(SENTENCE_ID) == 2
    assert "more" not in learner.out


async def test_the_lines_of_lists_hang_on_a_narrow_terminal(learner: CommandLine) -> None:
    learner.terminal, learner.width = True, 40
    learner.environment["NO_COLOR"] = "1"
    assert await learner("sentences", "--search", "rain", "--limit", "1") == 0
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", learner.out)
    assert plain == (
        " 2  今日は雨だ\n    きょうはあめだ · It is rainy today.\n"
        "    0198c0de-0000-7000-a000-000000000001\n    weather\n"
        "1 of more shown; --limit shows more.\n"
    )


async def test_sentences_come_page_by_page(learner: CommandLine, fake: FakeKaiwa) -> None:
    assert await learner("sentences", "--limit", "250", "--json") == 0
    assert [item["id"] for item in learner.objects] == [SENTENCE_ID] * 2
    assert [request.page_size for request in fake.state.requests[1:]] == [200, 200]
    assert learner.objects[0] == {
        "id": SENTENCE_ID,
        "japanese": TEXT,
        "reading": "きょうはあめだ",
        "english": "It is rainy today.",
        "difficulty": 2,
        "jlpt_level": "n5",
        "tags": ["weather"],
        "has_audio": False,
        "visibility": "shared",
        "author": "",
        "licence": "",
    }


async def test_one_difficulty(learner: CommandLine, fake: FakeKaiwa) -> None:
    await learner("sentences", "--difficulty", "4", "--limit", "1")
    assert (fake.state.requests[-1].min_difficulty, fake.state.requests[-1].max_difficulty) == (4, 4)


async def test_history(learner: CommandLine, recorded: Recorder, fake: FakeKaiwa) -> None:
    assert await learner("history") == 0
    assert "No attempts yet." in learner.out
    await learner("practice", "--text", TEXT, str(recorded()))
    await learner("practice", str(recorded(silent=True)))
    assert await learner("history") == 0
    newest, older = fake.speech.attempts
    lines = learner.out.splitlines()
    assert lines[0].endswith("–  (free speech)")
    assert lines[1:3] == [
        "    heard nothing (not judged: nobody was heard speaking) · 1.5 s",
        f"    {newest.attempt_id}",
    ]
    assert lines[3].endswith(f" 82  {TEXT}")
    assert lines[4:] == [f"    heard {TEXT} · 1.5 s", f"    {older.attempt_id}"]


async def test_history_as_objects(learner: CommandLine, recorded: Recorder) -> None:
    await learner("practice", "--text", TEXT, str(recorded()), "--json")
    attempt_id = learner.objects[-1]["attempt_id"]
    await learner("history", "--json", "--limit", "1")
    (attempt,) = learner.objects
    assert attempt["attempt_id"] == attempt_id
    assert attempt["reference_text"] == TEXT
    assert attempt["scores"]["overall"] == 81.5
    assert attempt["create_time"] == "2026-11-23T12:00:00+00:00"
    assert (attempt["audio_ms"], attempt["purpose"]) == (1500, "practice")


async def test_attempt(learner: CommandLine, recorded: Recorder) -> None:
    await learner("practice", "--text", TEXT, str(recorded()), "--json")
    attempt_id = str(learner.objects[-1]["attempt_id"])
    assert await learner("attempt", attempt_id) == 0
    assert "Words         今日 40  は 91  雨 70  だ 97" in learner.out
    assert await learner("attempt", attempt_id, "--json") == 0
    assert len(learner.objects[0]["morae"]) == 6
    unknown = "0198c0de-0000-7000-8000-000000000077"
    assert await learner("attempt", unknown) == 1
    assert f"There is no attempt {unknown} of yours." in learner.err


@pytest.mark.parametrize("name", ["rain.wav", "rain.flac", "rain.ogg"])
async def test_transcribe_sends_the_file_as_it_is(
    learner: CommandLine, recorded: Recorder, fake: FakeKaiwa, name: str
) -> None:
    file = recorded(name=name)
    audio = await asyncio.to_thread(file.read_bytes)
    assert await learner("transcribe", str(file)) == 0
    assert learner.out == f"{TEXT}\n{READING}\n"
    assert fake.speech.transcribed[-1].audio == audio
    assert fake.speech.transcribed[-1].language_hint == "ja"


async def test_transcribe_as_an_object(learner: CommandLine, recorded: Recorder, fake: FakeKaiwa) -> None:
    assert await learner("transcribe", str(recorded()), "--language", "auto", "--json") == 0
    assert learner.objects == [
        {
            "text": TEXT,
            "reading": READING,
            "confidence": 0.93,
            "language": "ja",
            "segments": [],
            "audio_ms": 1500,
            "speech_model": "fake",
        }
    ]
    assert fake.speech.transcribed[-1].language_hint == ""
