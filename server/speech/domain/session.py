"""The life of one practice as a state machine: what comes in, what is to be done about it. No I/O, no clock of its own.

Times of the audio (`position`, `start`, `end`) are seconds from its first sample; `now` is any steady clock in seconds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, StrEnum, auto

from server.errors import ApplicationError, DeadlineExceeded, InvalidInput, OutOfRange, Reason
from server.speech.domain.endpointing import (
    POST_ROLL,
    PRE_ROLL,
    Segment,
    VoiceEvent,
    VoiceParameters,
    VoiceTracker,
)

FRAME_SECONDS = 0.032
"""Length of a frame of voice probability: 512 samples at 16 kHz."""


class EndCause(StrEnum):
    """Why an utterance ended."""

    CLIENT_FINISHED = "client_finished"
    SILENCE = "silence"
    NO_SPEECH = "no_speech"
    LIMIT = "limit"


class Phase(Enum):
    """Where a practice stands."""

    LISTENING = auto()
    """Audio may come."""
    DECIDING = auto()
    """The utterance is complete; the final transcript is on its way."""
    OVER = auto()
    """The final transcript is there, or the practice failed: the machine has nothing more to decide."""


@dataclass(frozen=True, slots=True)
class PracticeRules:
    """What holds for one practice; seconds throughout.

    Attributes:
        longest_utterance: the most audio.
        finish_at_limit: whether the limit ends the utterance; else it is an error.
        idle_timeout: the longest time without audio.
        partials: whether partials are wanted.
        partial_interval: least new audio between partials.
        first_partial: how much voice the first partial needs: three frames of the detector.
        finish_on_silence: whether silence ends the utterance.
        silence: how much.
        longest_wait: how much audio without any speech ends it, when silence does.
    """

    longest_utterance: float = 30.0
    finish_at_limit: bool = False
    idle_timeout: float = 10.0
    partials: bool = True
    partial_interval: float = 0.3
    first_partial: float = 0.09
    finish_on_silence: bool = False
    silence: float = 0.55
    longest_wait: float = 10.0


@dataclass(frozen=True, slots=True)
class SpeechBegan:
    """Tell the client that speech was heard."""

    start: float


@dataclass(frozen=True, slots=True)
class DecodePartial:
    """Transcribe the audio from the beginning of speech until `until`."""

    start: float
    until: float


@dataclass(frozen=True, slots=True)
class UtteranceEnded:
    """Tell the client that no more audio is taken; `speech_end` is None when nobody spoke."""

    cause: EndCause
    speech_end: float | None


@dataclass(frozen=True, slots=True)
class DecodeFinal:
    """Transcribe the utterance: all stretches of voice between `start` and `end`."""

    start: float
    end: float


@dataclass(frozen=True, slots=True)
class DecodeAhead:
    """Transcribe as `DecodeFinal` is going to ask, should the silence last; it may be for nothing."""

    start: float
    end: float


@dataclass(frozen=True, slots=True)
class NothingSaid:
    """There was no voice: the transcript is empty without asking the recogniser."""


@dataclass(frozen=True, slots=True)
class LimitNear:
    """Tell the client that the longest utterance is near."""

    remaining: float


@dataclass(frozen=True, slots=True)
class LimitReached:
    """Tell the client that the utterance was cut at the longest one."""

    limit: float


Action = (
    SpeechBegan | DecodePartial | UtteranceEnded | DecodeAhead | DecodeFinal | NothingSaid | LimitNear | LimitReached
)

_NEAR_LIMIT = 5.0
_TRY_AGAIN = 0.1
"""Least new audio after a partial that gave nothing, before the first that gives something."""
_PAUSE = 0.1
"""Silence after which what was said last is worth a partial."""


class PracticeMachine:
    """Decides what happens in a practice.

    Args:
        rules: what holds.
        now: the time at which the practice begins.
    """

    def __init__(self, rules: PracticeRules, now: float) -> None:
        self._rules = rules
        self._phase = Phase.LISTENING
        self._tracker = VoiceTracker(FRAME_SECONDS, VoiceParameters(), rules.silence)
        self._received = 0.0
        self._last_audio = now
        self._decoding = False
        self._decoded_until = 0.0
        self._decoded_voice = 0.0
        self._ahead = -1.0
        self._shown = False
        self._began = False
        self._warned = False
        self._client_finished = False

    @property
    def phase(self) -> Phase:
        """Where the practice stands."""
        return self._phase

    @property
    def received(self) -> float:
        """Seconds of audio taken."""
        return self._received

    @property
    def segments(self) -> tuple[Segment, ...]:
        """Stretches of voice found so far."""
        return self._tracker.segments

    @property
    def spoken(self) -> bool:
        """Whether speech has begun."""
        return self._began

    @property
    def idle_deadline(self) -> float:
        """When the practice is idle for too long, on the clock of `now`."""
        return self._last_audio + self._rules.idle_timeout

    def room(self, seconds: float) -> float:
        """How much of the next `seconds` of audio can be taken; less only where the limit ends the utterance.

        What comes after the server ended the utterance, which the client can't know yet, has no room and no error.

        Raises:
            ApplicationError: AUDIO_AFTER_FINISH when the client had finished; UTTERANCE_TOO_LONG beyond the limit.
        """
        if self._client_finished:
            raise InvalidInput("audio", "no audio may follow the finish", reason=Reason.AUDIO_AFTER_FINISH)
        if self._phase is not Phase.LISTENING:
            return 0.0
        left = self._rules.longest_utterance - self._received
        # Rounding of sample counts must not make the last permitted sample one too many.
        if seconds <= left + 1e-6:
            return seconds
        if self._rules.finish_at_limit:
            return max(0.0, left)
        limit = self._rules.longest_utterance
        raise OutOfRange(
            Reason.UTTERANCE_TOO_LONG,
            f"audio: the utterance is longer than the {limit:g} s that this practice may have.",
            metadata={"field": "audio", "limit_seconds": f"{limit:g}"},
        )

    def audio(self, received: float, voice: Sequence[float], now: float, *, cut: bool = False) -> Iterator[Action]:
        """Takes audio that `room` has made sure of.

        Args:
            received: seconds of audio there are now in all (a sum here would depend on how the audio was cut).
            voice: probabilities of the frames that it completed.
            now: the time.
            cut: whether some of it was dropped at the limit.
        """
        if self._phase is not Phase.LISTENING:
            return
        if received > self._received:
            self._last_audio = now
        self._received = received
        stopped = False
        for probability in voice:
            event = self._tracker.add(probability)
            if event is VoiceEvent.STARTED and not self._began:
                self._began = True
                yield SpeechBegan(self._tracker.speech_start or 0.0)
            stopped = event is VoiceEvent.STOPPED or (stopped and not self._tracker.speaking)
        left = self._rules.longest_utterance - self._received
        if cut:
            yield LimitReached(self._rules.longest_utterance)
            yield from self._end(EndCause.LIMIT)
        elif self._rules.finish_on_silence and stopped:
            yield from self._end(EndCause.SILENCE)
        elif self._rules.finish_on_silence and not self._began and self._received >= self._rules.longest_wait:
            yield from self._end(EndCause.NO_SPEECH)
        else:
            if left <= _NEAR_LIMIT and not self._warned:
                self._warned = True
                yield LimitNear(max(0.0, left))
            yield from self._maybe_ahead()
            yield from self._maybe_partial()

    def finish(self) -> Iterator[Action]:
        """The client has no more audio. A second finish changes nothing."""
        self._client_finished = True
        if self._phase is Phase.LISTENING:
            yield from self._end(EndCause.CLIENT_FINISHED)

    def partial_done(self, *, shown: bool = True, until: float = 0.0) -> Iterator[Action]:
        """A partial was decoded, or given up; the next may follow at once.

        Args:
            shown: whether it gave anything to show; while nothing did, the next comes sooner.
            until: how far into the audio it goes in the end, if further than was asked for.
        """
        self._decoding = False
        if until > self._decoded_until:
            self._decoded_until = until
            self._decoded_voice = max(self._decoded_voice, min(self._tracker.speech_end or 0.0, until))
        self._shown = self._shown or shown
        if self._phase is Phase.LISTENING:
            yield from self._maybe_partial()

    def resume(self, now: float) -> None:
        """A client is there (again): its time to send audio begins anew."""
        self._last_audio = now

    def final_done(self) -> None:
        """The final transcript is there."""
        self._phase = Phase.OVER

    def fail(self) -> None:
        """The practice ends without a result."""
        self._phase = Phase.OVER

    def check_idle(self, now: float) -> None:
        """Raises DeadlineExceeded(IDLE_TIMEOUT) when audio was expected and none came for too long."""
        if self._phase is Phase.LISTENING and now >= self.idle_deadline - 1e-9:
            raise idle_error(timedelta(seconds=self._rules.idle_timeout))

    def _maybe_ahead(self) -> Iterator[Action]:
        """Begins the final while the silence that will end the utterance still lasts."""
        start, end = self._tracker.speech_start, self._tracker.speech_end
        if not self._rules.finish_on_silence or start is None or end is None or end == self._ahead:
            return
        if self._received >= end + POST_ROLL and self._tracker.silence > 0:
            self._ahead = end
            yield DecodeAhead(max(0.0, start - PRE_ROLL), end + POST_ROLL)

    def _maybe_partial(self) -> Iterator[Action]:
        start, end = self._tracker.speech_start, self._tracker.speech_end
        if not self._rules.partials or self._decoding or start is None or end is None:
            return
        if not self._partial_due(end - start, end):
            return
        until = self._received
        self._decoded_voice = end
        self._decoding = True
        self._decoded_until = until
        yield DecodePartial(max(0.0, start - PRE_ROLL), until)

    def _partial_due(self, spoken: float, end: float) -> bool:
        """Whether there is enough new voice: `spoken` seconds so far, the last of it at `end`."""
        if self._decoded_until == 0.0:
            return spoken >= self._rules.first_partial - 1e-9
        if end <= self._decoded_voice:
            return False
        since = self._received - self._decoded_until
        if self._shown:
            # A pause is the best moment to hear a word whole; short ones are over before the interval is.
            return since >= self._rules.partial_interval or self._tracker.silence >= _PAUSE - 1e-9
        return since >= _TRY_AGAIN - 1e-9

    def _end(self, cause: EndCause) -> Iterator[Action]:
        self._phase = Phase.DECIDING
        start, end = self._tracker.speech_start, self._tracker.speech_end
        yield UtteranceEnded(cause, end)
        if start is None or end is None:
            yield NothingSaid()
        else:
            yield DecodeFinal(max(0.0, start - PRE_ROLL), min(self._received, end + POST_ROLL))


def idle_error(limit: timedelta) -> ApplicationError:
    """What a stream gets on which nothing comes."""
    seconds = limit.total_seconds()
    return DeadlineExceeded(
        Reason.IDLE_TIMEOUT,
        f"No audio came for {seconds:g} s.",
        metadata={"limit_seconds": f"{seconds:g}"},
    )
