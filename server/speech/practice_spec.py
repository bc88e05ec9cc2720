"""A practice as it was asked for, and what it runs on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from server.kernel.clock import Clock
from server.kernel.identity import Caller
from server.speech.conclusion import Conclusion
from server.speech.domain.attempt import Purpose
from server.speech.domain.events import Limits
from server.speech.domain.reference import Reference
from server.speech.domain.session import PracticeRules
from server.speech.ports import Analyser, Follower, PcmDecoder, PitchFollower, Recogniser, VoiceDetector


@dataclass(frozen=True, slots=True)
class PracticeSpec:
    """A practice as it was asked for, with everything looked up.

    Attributes:
        fingerprint: digest of what it is about; the same id with another is a reuse.
        references: what may be read: one for a text, several for accepted answers or readings, none for free speech.
        reference: the one that is shown and followed; None for free speech and accepted answers.
        pitch: whether the pitch is told while the learner speaks.
        sample_rate_hertz: of the LINEAR16 audio.
    """

    practice_id: str
    caller: Caller
    fingerprint: str
    session_id: str | None
    sentence_id: str | None
    accepted_answers: tuple[str, ...]
    references: tuple[Reference, ...]
    reference: Reference | None
    purpose: Purpose
    card_id: str | None
    keep_audio: bool
    assess: bool
    pitch: bool
    sample_rate_hertz: int
    rules: PracticeRules
    limits: Limits


@dataclass(frozen=True, slots=True)
class PracticeTools:
    """What every practice uses.

    Attributes:
        steady: a clock for durations, in seconds.
        sleep: waits that many seconds on the same clock.
        check_caller: raises Unauthenticated when the caller's session was ended.
    """

    recogniser: Recogniser
    voice: VoiceDetector
    pcm: PcmDecoder
    analyser: Analyser
    follower: Follower
    pitch: PitchFollower
    conclusion: Conclusion
    clock: Clock
    steady: Callable[[], float]
    sleep: Callable[[float], Awaitable[None]]
    check_caller: Callable[[Caller], Awaitable[None]]
