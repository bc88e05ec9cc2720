"""What was recognised of an utterance, and whether it can be judged at all."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from server.speech.domain.assessment import Fluency, UnassessableReason
from server.speech.domain.endpointing import Segment
from server.speech.domain.parameters import FluencyLimits, SpeechLimits
from server.speech.domain.prosody.rhythm import Pause


@dataclass(frozen=True, slots=True)
class SignalQuality:
    """What the recording is like.

    Attributes:
        clipped_share: share of samples at full scale, 0 to 1.
        snr_db: voice over background; None when there is no background to measure.
    """

    clipped_share: float
    snr_db: float | None


@dataclass(frozen=True, slots=True)
class Heard:
    """What was recognised.

    Attributes:
        text: the transcript.
        morae: its pronunciation.
        language: BCP 47 tag; empty when unclear.
        segments: stretches of voice.
        quality: what the recording is like.
        confidence: the recogniser's, 0 to 1; None when it has none.
    """

    text: str
    morae: tuple[str, ...]
    language: str
    segments: tuple[Segment, ...]
    quality: SignalQuality
    confidence: float | None = None


def obstacle(heard: Heard, limits: SpeechLimits) -> UnassessableReason | None:
    """Why an utterance can't be judged, whatever was to be said; None when it can."""
    voice = sum(segment.end - segment.start for segment in heard.segments)
    if not heard.segments:
        return UnassessableReason.NO_SPEECH
    if voice < limits.least_seconds:
        return UnassessableReason.TOO_SHORT
    if heard.quality.clipped_share > limits.clipped_share:
        return UnassessableReason.CLIPPED
    if heard.language not in {"", "ja"}:
        return UnassessableReason.OTHER_LANGUAGE
    if heard.quality.snr_db is not None and heard.quality.snr_db < limits.least_snr_db:
        return UnassessableReason.TOO_NOISY
    if not heard.morae:
        return UnassessableReason.NO_SPEECH
    return None


def voice_fluency(heard: Heard, mora_count: int, limits: FluencyLimits) -> Fluency:
    """Rate and pauses by the stretches of voice.

    Args:
        mora_count: how many morae were said.
    """
    start, end = heard.segments[0].start, heard.segments[-1].end
    pauses = tuple(
        Pause(one.end, other.start)
        for one, other in pairwise(heard.segments)
        if other.start - one.end >= limits.pause_seconds
    )
    total = max(end - start, 1e-3)
    silent = sum(pause.end - pause.start for pause in pauses)
    return Fluency(
        morae_per_second=mora_count / total,
        articulation_rate=mora_count / max(total - silent, 1e-3),
        pause_ratio=silent / total,
        speech_duration=total,
        pauses=pauses,
    )


def fluency_score(fluency: Fluency, limits: FluencyLimits) -> float:
    """100 for an unhurried native reading, falling straight to 0 where it is too slow or pauses too much."""
    # Isolated words are over before a rate means anything: there only pauses count.
    rate = 1.0
    if fluency.speech_duration >= limits.least_rate_seconds:
        slow = limits.too_slow
        rate = min(1.0, max(0.0, (fluency.morae_per_second - slow) / (limits.fast_enough - slow)))
    room = limits.no_fluency_pauses - limits.pauses_allowed
    pauses = min(1.0, max(0.0, 1 - (fluency.pause_ratio - limits.pauses_allowed) / room))
    return 100 * min(rate, pauses)
