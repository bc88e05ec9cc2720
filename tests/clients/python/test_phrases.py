"""Everything that the contract leaves to clients to phrase is phrased."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kaiwa.speech.v1 import assessment_pb2, practice_pb2
from kaiwa_client.models import Finding, Parameter
from kaiwa_client.phrases import finding, not_judged, notice

PROTOS = Path(__file__).parents[3] / "protos"
_KINDS = {"text": {"text": "カ"}, "number": {"number": 0.55}, "count": {"count": 3}, "duration": {"duration_ms": 640}}


def _keys() -> dict[str, dict[str, str]]:
    """The keys of findings with the types of their parameters, as the contract's comment lists them."""
    text = (PROTOS / "kaiwa/speech/v1/assessment.proto").read_text("utf-8")
    comment = text.partition("Every key has")[2].partition("`ratio` is")[0].partition("in braces:")[2]
    found: dict[str, dict[str, str]] = {}
    for key, braces in re.findall(r"([a-z]+_[a-z_]+|incomplete)(?: \{([^}]*)\})?", comment.replace("//", "")):
        found[key] = dict(part.strip().split(": ") for part in braces.split(",")) if braces else {}
    return found


def _finding(key: str, parameters: tuple[Parameter, ...], error: str | None = None) -> Finding:
    return Finding(key, parameters, error, True, None, None, 0, None, None)


def test_the_contract_lists_the_keys() -> None:
    assert len(_keys()) == 18


@pytest.mark.parametrize(("key", "types"), _keys().items())
def test_every_finding_has_a_sentence(key: str, types: dict[str, str]) -> None:
    parameters = (
        Parameter("word", text="今日"),
        Parameter("reading", text="キョー"),
        *(Parameter(name, **_KINDS[kind]) for name, kind in types.items()),  # type: ignore[arg-type]
    )
    sentence = finding(_finding(key, parameters))
    assert sentence.endswith(".")
    assert "something to work on" not in sentence
    assert "{" not in sentence


def test_values_are_put_in_words() -> None:
    accent = (
        Parameter("word", text="橋を"),
        Parameter("expected_nucleus", count=2),
        Parameter("heard_nucleus", count=0),
    )
    assert finding(_finding("accent_wrong", accent)) == (
        "橋を: the pitch should drop after mora 2; yours seemed to stay flat."
    )
    pause = (Parameter("word", text="雨"), Parameter("pause", duration_ms=640))
    assert finding(_finding("unexpected_break", pause)) == "雨: you paused for 0.6 s where no pause belongs."


def test_an_unknown_key_falls_back_to_its_kind_of_error() -> None:
    word = (Parameter("word", text="雨"),)
    assert finding(_finding("pitch_too_wide", word, "accent")) == "Mind the pitch accent in 雨."
    assert finding(_finding("sound_substituted", word, "substitution")) == "A sound was another one in 雨."
    assert finding(_finding("new", (), "new_kind")) == "There is something to work on."
    kinds = [name.removeprefix("ERROR_KIND_").lower() for name in assessment_pb2.ErrorKind.keys()[1:]]
    assert all("something to work on" not in finding(_finding("new", (), kind)) for kind in kinds)


def test_every_reason_and_notice_has_a_sentence() -> None:
    for name in assessment_pb2.UnassessableReason.keys()[1:]:
        assert not_judged(name.removeprefix("UNASSESSABLE_REASON_").lower()) != not_judged(None)
    for name in practice_pb2.NoticeKind.keys()[1:]:
        sentence = notice(name.removeprefix("NOTICE_KIND_").lower(), ())
        assert sentence is not None
        assert sentence.endswith(".")
    assert notice("near_limit", (Parameter("remaining", duration_ms=5000),)) == "The utterance may last 5.0 s more."
    assert notice("unheard_of", ()) is None
