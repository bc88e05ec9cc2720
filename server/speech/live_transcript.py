"""What is being said, transcribed while it is said."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from server.speech.domain.credibility import PartialGate, claims_japanese
from server.speech.domain.endpointing import Segment
from server.speech.domain.events import Partial, Transcript, TranscriptSegment
from server.speech.domain.morae import split_morae
from server.speech.domain.reference import Reference
from server.speech.domain.segmenting import LONGEST_SEGMENT, choose_cut, cut_speech
from server.speech.domain.stability import Stabiliser, beginning
from server.speech.ports import Analyser, Recognised, Recogniser, Samples
from server.speech.recording import Recording
from server.speech.transcription import join_segments, transcribe_segment


class LiveTranscript:
    """Transcribes a recording that grows. Long speech is decoded for good piece by piece, cut at pauses.

    Args:
        recording: the audio so far.
        references: what may be read; none for free speech. With any, all is one piece, whatever its length (they have
            an end that is near).
        gate: when a partial is shown.
    """

    def __init__(
        self,
        recogniser: Recogniser,
        analyser: Analyser,
        recording: Recording,
        references: Sequence[Reference],
        gate: PartialGate | None = None,
    ) -> None:
        self._recogniser = recogniser
        self._analyser = analyser
        self._recording = recording
        self._references = references
        self._in_one = bool(references)
        self._gate = gate or PartialGate()
        self._stabiliser = Stabiliser()
        self._segments: list[TranscriptSegment] = []
        self._start = 0.0
        self._until = 0.0
        self._committing = False

    @property
    def until(self) -> float:
        """How far into the audio the latest partial goes, seconds."""
        return self._until

    @property
    def committing(self) -> bool:
        """Whether a piece is being decoded for good, which must not be given up."""
        return self._committing

    async def partial(
        self, voice: Callable[[], Sequence[Segment]], start: float, until: float, over: Callable[[], bool]
    ) -> Partial | None:
        """What has been said since `start`, to `until` at least; None where nothing is to be told, or nothing is sure.

        Args:
            voice: stretches of voice so far.
            over: whether the utterance has ended meanwhile.

        Raises:
            ApplicationError: an engine has too much to do.
        """
        start = max(start, self._start)
        while not self._in_one and (cut := choose_cut(voice(), start, until)) is not None:
            await self._commit(start, cut)
            start = cut
        if over():
            return None
        self._until = until

        def newest() -> Samples:
            self._until = max(until, self._recording.seconds)
            return self._recording.part(start, self._until)

        heard = await self._recogniser.partial(newest)
        if over() or not heard.text or not await self._credible(heard, self._until - start):
            return None
        text = self._stabiliser.add(heard.text, self._until)
        return Partial("".join(segment.text for segment in self._segments) + text.stable, text.unstable)

    async def final(self, voice: Sequence[Segment], start: float, end: float) -> Transcript:
        """The transcript of the utterance between `start` and `end`.

        Args:
            voice: stretches of voice.
        """
        segments = list(self._segments)
        pieces = self._pieces(voice, max(start, self._start), end)
        for piece in pieces:
            segments.append(await self._transcribe(piece.start, piece.end, last=piece is pieces[-1]))
        return join_segments(segments)

    async def _credible(self, heard: Recognised, seconds: float) -> bool:
        if not claims_japanese(heard.text) or self._gate.surely_japanese(heard.languages, seconds):
            return True
        if not self._references:
            return False
        if self._gate.probably_begins(heard.languages, seconds):
            return True
        morae = await self._morae(heard.text)
        return any(self._gate.follows(heard.languages, reference.kana, morae) for reference in self._references)

    async def _morae(self, text: str) -> tuple[str, ...]:
        return tuple(mora for word in await self._analyser.words(text) for mora in split_morae(word.reading))

    def _pieces(self, voice: Sequence[Segment], start: float, end: float) -> tuple[Segment, ...]:
        """What is left to be recognised; long where no partials were wanted or they could not keep up."""
        if end <= start:
            return ()
        if self._in_one or end - start <= LONGEST_SEGMENT:
            return (Segment(start, end),)
        return cut_speech(voice, end, start)

    async def _commit(self, start: float, end: float) -> None:
        self._committing = True
        try:
            self._segments.append(await self._transcribe(start, end, last=False))
            self._start = end
        finally:
            self._committing = False

    async def _transcribe(self, start: float, end: float, *, last: bool) -> TranscriptSegment:
        """Recognises a piece for good. It keeps to what is stable; what goes beyond it begins the next piece."""
        was = self._stabiliser.text

        def mend(text: str) -> str:
            begun, stable = beginning(was.stable, text)
            if last:
                return begun + stable
            _, shown = beginning(was.shown, text)
            self._stabiliser = Stabiliser(stable=stable, shown=shown)
            return begun

        return await transcribe_segment(
            self._recogniser,
            self._analyser,
            self._recording.part(start, end),
            start,
            end,
            live=True,
            known=bool(self._references),
            shown=was.shown,
            mend=mend,
        )
