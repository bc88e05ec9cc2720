"""Whisper on CTranslate2: from samples to decoded text with its probabilities. One call, one thread; no decisions."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ctranslate2
import numpy as np
import tokenizers
from faster_whisper.feature_extractor import FeatureExtractor
from faster_whisper.tokenizer import Tokenizer
from numpy.typing import NDArray

from server.speech.ports import SAMPLE_RATE, Samples

FRAMES_A_SECOND = 100
LONGEST_FRAMES = 3000
"""Whisper's window: 30 s. The encoder refuses more."""

_HOP = SAMPLE_RATE // FRAMES_A_SECOND
_LEAST_SAMPLES = 400
_LEAST_PROBABILITY = 1e-9


@dataclass(frozen=True, slots=True)
class Context:
    """How much the encoder sees.

    Whisper was trained on 30 s windows; shorter ones cost a fifth and less, but too short ones break it (character
    error over 1 at exact length, loops below about 1000 frames). Some silence before the speech helps as much as a
    wider beam: isolated words were wrong in .31 of their kana without and .24 with 0.5 s, sentences in .105 and .092
    (full window, beam 5, no silence: .240 and .095).

    Attributes:
        floor: the fewest frames.
        margin: frames after the end of the audio.
        lead: seconds of silence before it.
    """

    floor: int = 1000
    margin: int = 50
    lead: float = 0.5


@dataclass(frozen=True, slots=True)
class Decoded:
    """One hypothesis.

    Attributes:
        text: without special tokens, in NFC, white space at the ends removed.
        tokens: how many, the end of text not counted.
        logprob: mean natural log probability of the tokens, the end of text included.
        no_speech: Whisper's probability that there is no speech, 0 to 1.
    """

    text: str
    tokens: int
    logprob: float
    no_speech: float


class Encoded:
    """What the encoder made of a piece of audio; it serves any number of decodings."""

    __slots__ = ("frames", "output")

    def __init__(self, output: Any, frames: int) -> None:
        self.output = output
        self.frames = frames


class WhisperModel:
    """The weights, loaded once and shared by `workers` threads.

    Args:
        folder: CTranslate2 weights with tokenizer.json.
        device: `cpu` or `cuda`.
        compute_type: CTranslate2's; `default` is int8 on a CPU and float16 on CUDA.
        threads: threads of one pass.
        workers: passes that may run at once.

    Raises:
        RuntimeError, ValueError: CTranslate2 can't load the weights so.
    """

    def __init__(self, folder: Path, *, device: str, compute_type: str, threads: int, workers: int) -> None:
        if compute_type == "default":
            compute_type = "int8" if device == "cpu" else "float16"
        self._model: Any = ctranslate2.models.Whisper(
            str(folder), device=device, compute_type=compute_type, intra_threads=threads, inter_threads=workers
        )
        self._mel = FeatureExtractor(feature_size=self._model.n_mels)
        self._vocabulary = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
        tokenizer = Tokenizer(self._vocabulary, True, task="transcribe", language="ja")
        self._end = tokenizer.eot
        self._before = (tokenizer.sot,)
        self._after = (tokenizer.transcribe, tokenizer.no_timestamps)
        # What faster-whisper suppresses: tokens that are no speech, and the special ones.
        self._suppressed = sorted(
            {
                *tokenizer.non_speech_tokens,
                tokenizer.transcribe,
                tokenizer.translate,
                tokenizer.sot,
                tokenizer.sot_prev,
                tokenizer.sot_lm,
            }
        )

    @property
    def compute_type(self) -> str:
        """What the weights are computed in."""
        return str(self._model.compute_type)

    def knows(self, language: str) -> bool:
        """Whether the model has a language, given as its code."""
        return self._vocabulary.token_to_id(f"<|{language}|>") is not None

    def encode(self, samples: Samples, context: Context, *, frames: int | None = None) -> Encoded:
        """Runs the encoder.

        Args:
            samples: at most 30 s.
            context: how much it sees; the silence before is shortened where 30 s would be passed.
            frames: exactly this many instead.

        Raises:
            ValueError: there are more than 30 s.
        """
        longest = LONGEST_FRAMES * _HOP
        if len(samples) > longest:
            raise ValueError(f"{len(samples) / SAMPLE_RATE:.1f} s are more than Whisper's window")
        lead = min(int(context.lead * SAMPLE_RATE), longest - len(samples))
        padded = np.pad(samples, (lead, max(0, _LEAST_SAMPLES - len(samples))))
        if frames is None:
            frames = min(LONGEST_FRAMES, max(context.floor, len(padded) // _HOP + context.margin))
        mel: NDArray[np.float32] = self._mel(padded)[:, :frames]
        mel = np.pad(mel, ((0, 0), (0, frames - mel.shape[1])))
        features = ctranslate2.StorageView.from_array(np.ascontiguousarray(mel[None], np.float32))
        return Encoded(self._model.encode(features), frames)

    def languages(self, encoded: Encoded) -> Mapping[str, float]:
        """The probability of each language that the model knows, by its code."""
        return {token[2:-2]: float(p) for token, p in self._model.detect_language(encoded.output)[0]}

    def logprob(self, encoded: Encoded, language: str, text: str) -> float:
        """The natural log probability of a text's tokens, all together, given the audio and the tokens before each.

        Args:
            encoded: the encoder's output.
            language: code of a language that the model knows.
            text: not empty.
        """
        prompt = [*self._before, self._vocabulary.token_to_id(f"<|{language}|>"), *self._after]
        tokens = self._vocabulary.encode(text, add_special_tokens=False).ids
        aligned = self._model.align(encoded.output, prompt, [tokens], encoded.frames)[0]
        return float(np.sum(np.log(np.maximum(aligned.text_token_probs, _LEAST_PROBABILITY))))

    def decode(self, encoded: Encoded, language: str, *, beam: int, most_tokens: int) -> Decoded:
        """Decodes once, without temperature, hints or previous text.

        Args:
            encoded: the encoder's output.
            language: code of a language that the model knows.
            beam: hypotheses that are followed; 1 is greedy.
            most_tokens: where decoding is cut.
        """
        prompt = [*self._before, self._vocabulary.token_to_id(f"<|{language}|>"), *self._after]
        result = self._model.generate(
            encoded.output,
            [prompt],
            beam_size=beam,
            # CTranslate2 takes half of this for what Whisper may generate.
            max_length=2 * most_tokens,
            return_scores=True,
            return_no_speech_prob=True,
            suppress_tokens=self._suppressed,
        )[0]
        ids = [token for token in result.sequences_ids[0] if token < self._end]
        # A character that was cut in the middle decodes to the replacement character.
        text = unicodedata.normalize("NFC", self._vocabulary.decode(ids)).replace("\ufffd", "").strip()
        # CTranslate2's score is the sum divided by the number of tokens without the end of text.
        logprob = result.scores[0] * len(result.sequences_ids[0]) / (len(result.sequences_ids[0]) + 1)
        return Decoded(text, len(ids), float(logprob), float(result.no_speech_prob))
