"""A practice as JSON: an object for each event, and a summary."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from types import MappingProxyType

from kaiwa_client.events import (
    AssessmentReady,
    Event,
    Notice,
    Partial,
    Ready,
    Saved,
    SpeechEnded,
    SpeechStarted,
    TranscriptReady,
)
from kaiwa_client.models import Assessment, Mora, Scores, Transcript, Word
from kaiwa_client.practice import Practice

_TYPES: Mapping[type[Event], str] = MappingProxyType(
    {
        Ready: "ready",
        SpeechStarted: "speech_started",
        Partial: "partial",
        SpeechEnded: "speech_ended",
        TranscriptReady: "transcript",
        AssessmentReady: "assessment",
        Saved: "saved",
        Notice: "notice",
    }
)


def event_json(event: Event, practice: Practice) -> dict[str, object]:
    """An event as an object for JSON.

    Its fields are the contract's. `time_ms` is when it came, counted from the moment the first audio was sent; null
    before that moment.
    """
    fields = asdict(event)
    del fields["received"]
    if isinstance(event, TranscriptReady):
        fields |= fields.pop("transcript")
    elif isinstance(event, AssessmentReady):
        fields |= fields.pop("assessment")
    elif isinstance(event, Notice):
        fields["parameters"] = {parameter.name: parameter.value for parameter in event.parameters}
    return {"type": _TYPES[type(event)], **fields, "time_ms": _since(practice.first_audio_at, event.received)}


def word_json(word: Word) -> dict[str, object]:
    """A word for the summary."""
    return {
        "text": word.text,
        "reading": word.reading,
        "score": word.score,
        "error": word.error,
        "start_ms": word.start_ms,
        "end_ms": word.end_ms,
    }


def mora_json(mora: Mora) -> dict[str, object]:
    """A mora for the summary."""
    return {
        "mora": mora.mora,
        "score": mora.score,
        "error": mora.error,
        "expected": mora.expected,
        "heard": mora.heard,
        "start_ms": mora.start_ms,
        "end_ms": mora.end_ms,
    }


@dataclass(slots=True)
class Log:
    """What has happened in a practice so far."""

    transcript: Transcript | None = None
    assessment: Assessment | None = None
    saved: Saved | None = None
    speech_start_ms: int | None = None
    partials: int = 0
    partials_before_end: int = 0
    _text: str = ""
    _times: dict[type[Event], float] = field(default_factory=dict)

    def add(self, event: Event, practice: Practice) -> None:
        """Takes an event in, as soon as it has come."""
        if isinstance(event, Partial):
            text = event.stable_text + event.unstable_text
            if event.pitch and text == self._text:
                # It tells no more than the pitch.
                return
            self._text = text
        self._times.setdefault(type(event), event.received)
        if isinstance(event, Partial):
            self.partials += 1
            if practice.audio_ended_at is None or event.received < practice.audio_ended_at:
                self.partials_before_end += 1
        elif isinstance(event, SpeechStarted):
            self.speech_start_ms = event.start_ms
        elif isinstance(event, TranscriptReady):
            self.transcript = event.transcript
        elif isinstance(event, AssessmentReady):
            self.assessment = event.assessment
        elif isinstance(event, Saved):
            self.saved = event

    def summary(self, practice: Practice) -> dict[str, object]:
        """The last object of `kaiwa practice --json`; null stands for what is not known.

        `first_partial_ms` counts from the moment the first audio was sent (`speech_start_ms` tells how much of that
        was silence); `final_ms` and `assessment_ms` count from the end of the audio: the moment at which all of it was
        sent and the finish signalled.
        """
        assessment, transcript = self.assessment, self.transcript
        return {
            "type": "summary",
            "transcript": transcript.text if transcript else None,
            "reading": transcript.reading if transcript else None,
            "confidence": transcript.confidence if transcript else None,
            "assessable": assessment.assessable if assessment else None,
            "reason": assessment.reason if assessment else None,
            "scores": asdict(assessment.scores if assessment else Scores()),
            "words": [word_json(word) for word in assessment.words] if assessment else [],
            "morae": [mora_json(mora) for mora in assessment.morae] if assessment else [],
            "partials": self.partials,
            "partials_before_end": self.partials_before_end,
            "speech_start_ms": self.speech_start_ms,
            "first_partial_ms": _since(practice.first_audio_at, self._times.get(Partial)),
            "final_ms": _since(practice.audio_ended_at, self._times.get(TranscriptReady)),
            "assessment_ms": _since(practice.audio_ended_at, self._times.get(AssessmentReady)),
            "attempt_id": self.saved.attempt_id if self.saved else None,
        }


def _since(start: float | None, moment: float | None) -> int | None:
    return None if start is None or moment is None else round((moment - start) * 1000)
