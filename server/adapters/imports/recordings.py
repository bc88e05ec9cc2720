"""Makes recordings out of audio files that people bring."""

from __future__ import annotations

from server.adapters.audio.decoder import ProcessFileDecoder
from server.adapters.audio.encoder import AudioFileEncoder
from server.content.ports.imports import Playable
from server.errors import DeadlineExceeded, InvalidInput
from server.speech.ports import SAMPLE_RATE

LONGEST_SECONDS = 300.0


class OpusRecordings:
    """A `RecordingMaker`: what can be decoded, as Opus at 16 kHz; no byte of the original is kept.

    Args:
        decoder: decodes in limited processes.
        encoder: encodes.
    """

    def __init__(self, decoder: ProcessFileDecoder, encoder: AudioFileEncoder) -> None:
        self._decoder = decoder
        self._encoder = encoder

    async def playable(self, data: bytes) -> Playable | None:
        """The recording; None when it can't be decoded, or is too long."""
        try:
            samples = await self._decoder.decode(data, longest_seconds=LONGEST_SECONDS)
        except (InvalidInput, DeadlineExceeded):
            return None
        return Playable(await self._encoder.ogg_opus(samples), len(samples) / SAMPLE_RATE, SAMPLE_RATE)
