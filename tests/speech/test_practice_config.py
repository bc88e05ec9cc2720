"""What a practice is asked to be: readings that the client gives in place of the analyser's."""

from __future__ import annotations

from dataclasses import replace

import grpc
import pytest

from kaiwa.speech.v1 import pronunciation_pb2, span_pb2
from kaiwa.speech.v1 import speech_service_pb2 as pb
from server.errors import InvalidInput, Reason
from server.speech.domain.reference import ReadWord, TextSpan
from server.speech.practice_config import Override, apply_overrides
from tests.support.speech import DictionaryAnalyser, Speech
from tests.support.talk import Talk, config, speaking

TEXT = "橋を渡る"


async def words() -> tuple[ReadWord, ...]:
    return await DictionaryAnalyser().words(TEXT)


def override(offset: int, length: int, reading: str = "", nucleus: int | None = None) -> Override:
    return Override(TextSpan(offset, length), reading, nucleus)


async def test_a_reading_takes_the_place_of_the_analysers() -> None:
    found = apply_overrides(await words(), (override(0, 1, "きょう", 0),))
    assert [(word.text, word.reading) for word in found] == [("橋", "きょう"), ("を", "オ"), ("渡る", "ワタル")]


async def test_a_reading_of_several_words_makes_one_of_them() -> None:
    found = apply_overrides(await words(), (override(1, 3, "オワタリ"), override(0, 1, "バシ", 2)))
    assert found == (
        ReadWord("橋", TextSpan(0, 1), "バシ", 2),
        ReadWord("を渡る", TextSpan(1, 3), "オワタリ"),
    )


async def test_without_a_reading_the_analysers_stays() -> None:
    given = await words()
    found = apply_overrides(given, (override(0, 1, nucleus=2),))
    assert found == (replace(given[0], nucleus=2), *given[1:])


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ([override(2, 1, "ワ")], "config.overrides[0].span"),
        ([override(4, 1, "ワ")], "config.overrides[0].span"),
        ([override(0, 5, "ワ")], "config.overrides[0].span"),
        ([override(0, 1, "ハシ"), override(0, 2, "ハシオ")], "config.overrides[1].span"),
        ([override(0, 2, "ハシオ"), override(0, 2, "バシオ")], "config.overrides[1].span"),
        ([override(0, 1, nucleus=0), override(0, 1, "バシ")], "config.overrides[1].span"),
        ([override(0, 1, "hashi")], "config.overrides[0].reading"),
        ([override(0, 1, "ハ シ")], "config.overrides[0].reading"),
        ([override(0, 1, "橋")], "config.overrides[0].reading"),
        ([override(0, 1, nucleus=3)], "config.overrides[0].nucleus"),
        ([override(0, 1, "バシ"), override(2, 2, "ワタル", 4)], "config.overrides[1].nucleus"),
    ],
)
async def test_what_cannot_be_pronounced(given: list[Override], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        apply_overrides(await words(), tuple(given))
    assert refused.value.reason is Reason.PRONUNCIATION_INVALID
    assert refused.value.metadata == {"field": field}


async def test_the_client_is_told_which_pronunciation() -> None:
    cut = pronunciation_pb2.PronunciationOverride(span=span_pb2.TextSpan(offset=2, length=1), reading="わ")
    async with speaking(Speech()) as served, Talk(served) as talk:
        await talk.send(pb.PracticeRequest(config=config(reference_text=TEXT, overrides=[cut])))
        failure = await talk.failure()
    assert (failure.code, failure.reason) == (grpc.StatusCode.INVALID_ARGUMENT, Reason.PRONUNCIATION_INVALID)
    assert failure.fields == ("config.overrides[0].span",)
    assert failure.metadata == {"field": "config.overrides[0].span"}
