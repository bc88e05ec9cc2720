"""AssessRecording: a practice whose audio is a file."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

from server.errors import InvalidInput, Reason
from server.kernel.identity import Caller
from server.speech.conclusion import Conclusion, Utterance
from server.speech.domain.attempt import Attempt
from server.speech.domain.endpointing import POST_ROLL, PRE_ROLL, Segment
from server.speech.domain.events import Notice, NoticeKind
from server.speech.domain.notices import recording_notices
from server.speech.domain.segmenting import cut_speech
from server.speech.intake import check_config, config_repeated, next_within
from server.speech.ordered_intake import chunk_too_large
from server.speech.ports import SAMPLE_RATE, Analyser, FileDecoder, Recogniser, Samples, VoiceDetector
from server.speech.practice_config import CHUNK_BYTES, PracticeConfig, PracticePreparation
from server.speech.practice_spec import PracticeSpec
from server.speech.transcribe import too_large
from server.speech.transcription import find_voice, transcribe_recording

LARGEST_FILE = 20_000_000
"""Bytes."""


@dataclass(frozen=True, slots=True)
class AssessedRecording:
    """A recording that was assessed and stored.

    Attributes:
        attempt: what is stored.
        notices: what is worth knowing about the recording; empty when it was stored before.
    """

    attempt: Attempt
    notices: tuple[Notice, ...] = ()


class AssessRecording:
    """Takes a config and a file, and does what a live practice does with the same audio.

    Args:
        sleep: waits for the client's next message, in seconds.
    """

    def __init__(
        self,
        *,
        prepare: PracticePreparation,
        files: FileDecoder,
        voice: VoiceDetector,
        recogniser: Recogniser,
        analyser: Analyser,
        conclusion: Conclusion,
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self._prepare = prepare
        self._files = files
        self._voice = voice
        self._recogniser = recogniser
        self._analyser = analyser
        self._conclusion = conclusion
        self._sleep = sleep

    async def __call__(self, caller: Caller, intake: AsyncIterator[PracticeConfig | bytes]) -> AssessedRecording:
        """Assesses a recording, or answers with the attempt that its practice has led to already.

        Args:
            intake: what the client sends, in order.

        Raises:
            ApplicationError: as the contract lists for AssessRecording.
        """
        config = check_config(await self._next(intake))
        looked = await self._prepare(caller, config)
        if looked.stored is not None:
            return AssessedRecording(looked.stored)
        if looked.spec is None:
            raise RuntimeError("a practice that is neither stored nor new")
        data = await self._file(intake)
        return await self._assess(
            looked.spec,
            await self._files.decode(data, longest_seconds=looked.spec.rules.longest_utterance),
            judge=config.assess,
        )

    async def _file(self, intake: AsyncIterator[PracticeConfig | bytes]) -> bytes:
        data = bytearray()
        while (message := await self._next(intake)) is not None:
            if isinstance(message, PracticeConfig):
                raise config_repeated()
            if len(message) > CHUNK_BYTES:
                raise chunk_too_large(len(message), CHUNK_BYTES)
            data += message
            if len(data) > LARGEST_FILE:
                raise too_large(len(data), LARGEST_FILE)
        if not data:
            raise InvalidInput("audio", "did not come; send the bytes of a file", reason=Reason.AUDIO_UNDECODABLE)
        return bytes(data)

    async def _next(self, intake: AsyncIterator[PracticeConfig | bytes]) -> PracticeConfig | bytes | None:
        return await next_within(intake, self._prepare.limits.idle_timeout, self._sleep)

    async def _assess(self, spec: PracticeSpec, samples: Samples, *, judge: bool) -> AssessedRecording:
        seconds = len(samples) / SAMPLE_RATE
        voice = await find_voice(self._voice, samples)
        pieces = _one_piece(voice, seconds) if spec.references else cut_speech(voice, seconds)
        known = bool(spec.references)
        transcript = await transcribe_recording(self._recogniser, self._analyser, samples, pieces, known=known)
        utterance = Utterance(spec, transcript, voice, samples, seconds)
        assessed = await self._conclusion.assess(utterance) if judge else None
        attempt = await self._conclusion.save(utterance, assessed, lambda: None)
        notices = recording_notices(samples, voice, SAMPLE_RATE)
        if spec.keep_audio and attempt.audio is None:
            notices = (*notices, Notice(NoticeKind.AUDIO_NOT_KEPT))
        return AssessedRecording(attempt, notices)


def _one_piece(voice: tuple[Segment, ...], seconds: float) -> tuple[Segment, ...]:
    """All of the speech at once, as a live practice with a reference recognises it."""
    if not voice:
        return ()
    return (Segment(max(0.0, voice[0].start - PRE_ROLL), min(seconds, voice[-1].end + POST_ROLL)),)
