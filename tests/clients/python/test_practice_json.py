"""`kaiwa practice --json`: the shape of every object, as scripts rely on it."""

from __future__ import annotations

from dataclasses import replace

from kaiwa_client.cli.summary import Log
from kaiwa_client.events import AssessmentReady, Partial, PitchPoint, SpeechStarted, TranscriptReady
from kaiwa_client.mapping.assessment import assessment as assessment_of
from kaiwa_client.models import Transcript
from kaiwa_client.practice import Practice
from tests.clients.python.conftest import CommandLine, Recorder
from tests.support.fake_kaiwa import SENTENCE_ID, FakeKaiwa
from tests.support.fake_practice import READING, TEXT, assessment

TYPES = [
    "ready",
    "speech_started",
    "partial",
    "partial",
    "partial",
    "speech_ended",
    "transcript",
    "assessment",
    "saved",
]
SUMMARY_KEYS = [
    "type",
    "transcript",
    "reading",
    "confidence",
    "assessable",
    "reason",
    "scores",
    "words",
    "morae",
    "partials",
    "partials_before_end",
    "speech_start_ms",
    "first_partial_ms",
    "final_ms",
    "assessment_ms",
    "attempt_id",
]


async def test_prints_one_object_a_message_and_a_summary(learner: CommandLine, recorded: Recorder) -> None:
    assert await learner("practice", "--text", TEXT, str(recorded()), "--json") == 0
    assert [item["type"] for item in learner.objects] == [*TYPES, "summary"]
    assert learner.err == ""
    ready, started, partial = learner.objects[0], learner.objects[1], learner.objects[3]
    assert ready["reference"]["reading"] == READING
    assert ready["limits"]["longest_utterance_ms"] == 30000
    assert started["start_ms"] == 120
    assert (partial["stable_text"], partial["unstable_text"]) == ("今日は", "あめ")
    assert (partial["morae_read"], partial["morae_total"]) == (5, 6)
    assert [item["sequence"] for item in learner.objects[:-1]] == list(range(1, 10))


async def test_summarises_what_was_said_and_how_well(learner: CommandLine, recorded: Recorder, fake: FakeKaiwa) -> None:
    await learner("practice", "--sentence-id", SENTENCE_ID, str(recorded()), "--json")
    summary = learner.objects[-1]
    assert list(summary) == SUMMARY_KEYS
    assert summary["transcript"] == TEXT
    assert summary["reading"] == READING
    assert summary["confidence"] == 0.93
    assert (summary["assessable"], summary["reason"]) == (True, None)
    assert summary["scores"] == {
        "overall": 81.5,
        "accuracy": 80.0,
        "fluency": 90.0,
        "completeness": 100.0,
        "prosody": None,
    }
    assert summary["words"][0] == {
        "text": "今日",
        "reading": "キョー",
        "score": 40.0,
        "error": "length",
        "start_ms": 0,
        "end_ms": 400,
    }
    assert summary["morae"][:2] == [
        {
            "mora": "キョ",
            "score": 96.0,
            "error": "none",
            "expected": "キョ",
            "heard": "キョ",
            "start_ms": 0,
            "end_ms": 200,
        },
        {
            "mora": "ー",
            "score": 40.0,
            "error": "length",
            "expected": "ー",
            "heard": "",
            "start_ms": None,
            "end_ms": None,
        },
    ]
    assert summary["partials"] == 3
    assert summary["attempt_id"] == fake.speech.attempts[0].attempt_id
    assert fake.speech.configs[0].sentence_id == SENTENCE_ID


async def test_says_why_silence_is_not_judged(learner: CommandLine, recorded: Recorder) -> None:
    await learner("practice", "--text", TEXT, str(recorded(silent=True)), "--json")
    summary = learner.objects[-1]
    assert (summary["assessable"], summary["reason"]) == (False, "no_speech")
    assert (summary["transcript"], summary["confidence"]) == ("", None)
    assert summary["scores"] == dict.fromkeys(("overall", "accuracy", "fluency", "completeness", "prosody"))
    assert (summary["words"], summary["morae"], summary["partials"]) == ([], [], 0)
    assert (summary["speech_start_ms"], summary["first_partial_ms"]) == (None, None)
    assert summary["final_ms"] is not None


async def test_practises_freely_without_a_target(learner: CommandLine, recorded: Recorder, fake: FakeKaiwa) -> None:
    session = "0198c0de-0000-7000-8000-000000000009"
    await learner("practice", str(recorded()), "--session", session, "--json")
    assert learner.objects[0]["reference"] is None
    assert fake.speech.configs[0].WhichOneof("target") is None
    assert fake.speech.configs[0].speaking_session_id == session


async def test_prints_an_error_as_an_object_too(learner: CommandLine, recorded: Recorder, fake: FakeKaiwa) -> None:
    await fake.stop()
    assert await learner("practice", str(recorded()), "--json") == 3
    assert [(item["type"], item["code"]) for item in learner.objects] == [("error", "UNAVAILABLE")]


class Spoken(Practice):
    """A practice whose audio began and ended at given times."""

    def __init__(self) -> None:
        self.first_audio_at = 10.0
        self.audio_ended_at = None


def partial(received: float, text: str) -> Partial:
    return Partial(
        sequence=1,
        audio_offset_ms=0,
        received=received,
        stable_text=text,
        unstable_text="",
        morae_read=None,
        morae_total=None,
        impressions=(),
    )


def test_counts_times_from_the_first_audio_and_from_its_end() -> None:
    practice, log = Spoken(), Log()
    log.add(SpeechStarted(sequence=1, audio_offset_ms=0, received=10.3, start_ms=180), practice)
    log.add(replace(partial(10.5, ""), pitch=(PitchPoint(100, 1.5),)), practice)
    log.add(partial(10.75, "今"), practice)
    practice.audio_ended_at = 12.0
    log.add(partial(11.9, "今日"), practice)
    log.add(partial(12.1, "今日は"), practice)
    heard = Transcript(TEXT, READING, None, "ja", ())
    log.add(TranscriptReady(sequence=4, audio_offset_ms=0, received=12.4004, transcript=heard), practice)
    judged = assessment_of(assessment())
    log.add(AssessmentReady(sequence=5, audio_offset_ms=0, received=12.55, assessment=judged), practice)
    summary = log.summary(practice)
    assert (summary["partials"], summary["partials_before_end"]) == (3, 2)
    assert (summary["speech_start_ms"], summary["first_partial_ms"]) == (180, 750)
    assert (summary["final_ms"], summary["assessment_ms"]) == (400, 550)
    assert summary["attempt_id"] is None
