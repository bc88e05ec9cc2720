"""From a stretch of audio to a piece of transcript, and from pieces to the whole."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from server.speech.domain.assessment import AudioSpan
from server.speech.domain.endpointing import Segment, VoiceParameters, VoiceTracker
from server.speech.domain.events import Transcript, TranscriptSegment
from server.speech.domain.morae import split_morae
from server.speech.domain.reference import TextSpan
from server.speech.domain.session import FRAME_SECONDS
from server.speech.ports import SAMPLE_RATE, Analyser, Recogniser, Samples, VoiceDetector

JAPANESE = "ja"
_PIECE = 10 * SAMPLE_RATE
"""Samples that the voice detector gets at a time, so that long recordings leave room for live speech."""


async def transcribe_segment(
    recogniser: Recogniser,
    analyser: Analyser,
    samples: Samples,
    start: float,
    end: float,
    *,
    language: str | None = JAPANESE,
    live: bool = False,
    known: bool = False,
    shown: str = "",
    mend: Callable[[str], str] = str,
) -> TranscriptSegment:
    """Recognises a stretch of speech for good and finds its pronunciation.

    Args:
        samples: the stretch, at most 30 s at 16 kHz.
        start, end: where it stands in the recording, seconds.
        language: what is expected; None: whatever is heard.
        live: whether somebody has just said it.
        known: whether it is known what is to be said.
        shown: what was shown of it.
        mend: applied to Japanese text.
    """
    heard = await recogniser.final(samples, language=language, shown=shown, live=live, known=known)
    japanese = bool(heard.text) and heard.language == JAPANESE
    text = mend(heard.text) if japanese else heard.text
    reading = await read(analyser, text) if japanese else ""
    return TranscriptSegment(
        text,
        reading,
        AudioSpan(start, end),
        TextSpan(0, len(text)),
        heard.confidence,
        heard.language,
    )


async def find_voice(detector: VoiceDetector, samples: Samples) -> tuple[Segment, ...]:
    """The stretches of voice in a whole recording, seconds."""
    # What counts as the end of an utterance does not matter here: stretches are parted by any silence.
    tracker = VoiceTracker(FRAME_SECONDS, VoiceParameters(), silence=FRAME_SECONDS)
    stream = detector.open()
    for begin in range(0, len(samples), _PIECE):
        for probability in await stream.probabilities(samples[begin : begin + _PIECE]):
            tracker.add(probability)
    return tracker.segments


async def transcribe_recording(
    recogniser: Recogniser,
    analyser: Analyser,
    samples: Samples,
    pieces: Sequence[Segment],
    *,
    language: str | None = JAPANESE,
    known: bool = False,
) -> Transcript:
    """Recognises pieces of a recording, each at most 30 s, and puts them together.

    Args:
        samples: the whole recording.
        pieces: what of it is recognised, seconds; none: the transcript is empty.
        language: what is expected; None: whatever is heard.
        known: whether it is known what is to be said.
    """
    return join_segments(
        [
            await transcribe_segment(
                recogniser,
                analyser,
                samples[int(piece.start * SAMPLE_RATE) : int(piece.end * SAMPLE_RATE)],
                piece.start,
                piece.end,
                language=language,
                known=known,
            )
            for piece in pieces
        ]
    )


async def read(analyser: Analyser, text: str) -> str:
    """The pronunciation of a text, katakana in the normal form of `split_morae`."""
    if not text:
        return ""
    words = await analyser.words(text)
    return "".join(mora for word in words for mora in split_morae(word.reading))


def join_segments(segments: Sequence[TranscriptSegment]) -> Transcript:
    """The whole of the pieces that have text; the language and the confidence are those of most of the speech."""
    placed: list[TranscriptSegment] = []
    offset = 0
    for segment in segments:
        if segment.text:
            placed.append(
                TranscriptSegment(
                    segment.text,
                    segment.reading,
                    segment.audio,
                    TextSpan(offset, len(segment.text)),
                    segment.confidence,
                    segment.language,
                )
            )
            offset += len(segment.text)
    if not placed:
        return Transcript()
    lengths: dict[str, float] = {}
    for segment in placed:
        lengths[segment.language] = lengths.get(segment.language, 0.0) + segment.audio.end - segment.audio.start
    total = sum(lengths.values())
    rated = [s for s in placed if s.confidence is not None]
    confidence = None
    if len(rated) == len(placed) and total > 0:
        confidence = sum((s.confidence or 0.0) * (s.audio.end - s.audio.start) for s in rated) / total
    return Transcript(
        text="".join(s.text for s in placed),
        reading="".join(s.reading for s in placed),
        confidence=confidence,
        language=max(lengths, key=lambda language: lengths[language]),
        segments=tuple(placed),
    )
