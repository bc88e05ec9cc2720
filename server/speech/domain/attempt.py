"""Stored attempts and the sessions they belong to."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from server.kernel.identity import UserId
from server.speech.domain.assessment import Assessment, Scores
from server.speech.domain.events import SuggestedRating, Transcript

FORGOTTEN_AFTER = timedelta(hours=12)
"""A speaking session without an attempt for so long has ended, at the time of its last one."""


class Purpose(StrEnum):
    """What an attempt is for."""

    PRACTICE = "practice"
    REVIEW = "review"


@dataclass(frozen=True, slots=True)
class StoredAudio:
    """The audio of an attempt in the object store.

    Attributes:
        key: where it lies.
        content_type: media type.
        sample_rate_hertz: samples a second.
        size_bytes: its size.
    """

    key: str
    content_type: str
    sample_rate_hertz: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Attempt:
    """One utterance of a learner.

    Attributes:
        id: the attempt.
        practice_id: the client's id of the practice; one attempt each.
        fingerprint: digest of what the practice was about, to tell a repeat from a reuse of the id.
        reference_text: what was to be read; empty for free speech and accepted answers.
        attempt_number: which attempt at this target in its session, from 1; 0 without a session.
        assessment: None when it was not asked for.
        assessed_at: None when there is no assessment.
        audio_seconds: how long the recording is.
        audio: None when it was not kept.
    """

    id: str
    practice_id: str
    user_id: UserId
    fingerprint: str
    session_id: str | None
    sentence_id: str | None
    reference_text: str
    accepted_answers: tuple[str, ...]
    purpose: Purpose
    card_id: str | None
    suggested_rating: SuggestedRating | None
    attempt_number: int
    transcript: Transcript
    assessment: Assessment | None
    assessed_at: datetime | None
    audio_seconds: float
    audio: StoredAudio | None
    created_at: datetime

    @property
    def outline(self) -> Attempt:
        """The attempt as lists have it: no segments of the transcript, of the assessment only verdict and scores."""
        judged = self.assessment
        return replace(
            self,
            transcript=replace(self.transcript, segments=()),
            assessment=None if judged is None else Assessment(judged.versions, judged.reason, judged.scores),
        )


@dataclass(frozen=True, slots=True)
class SpeakingSession:
    """A stretch of speaking practice.

    Attributes:
        attempt_count, audio_seconds, average_scores: over its attempts that are not deleted.
        ended_at: None while it goes on.
    """

    id: str
    user_id: UserId
    sentence_id: str | None
    title: str
    purpose: Purpose
    attempt_count: int
    audio_seconds: float
    average_scores: Scores
    started_at: datetime
    ended_at: datetime | None


def suggest_rating(assessment: Assessment | None) -> SuggestedRating | None:
    """The rating that a spoken answer deserves: Anki's four buttons by overall score.

    Under 60 the answer was not known or not understandable, under 80 it took effort, from 95 on with full fluency it
    came at once.
    """
    if assessment is None or not assessment.assessable or assessment.scores.overall is None:
        return None
    overall, fluency = assessment.scores.overall, assessment.scores.fluency or 0.0
    if overall < 60:
        return SuggestedRating.AGAIN
    if overall < 80:
        return SuggestedRating.HARD
    return SuggestedRating.EASY if overall >= 95 and fluency >= 90 else SuggestedRating.GOOD
