"""How well it is heard: the final transcript against the same weights with the full window, and what is no speech."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import soundfile

from bench.report import figure
from bench.speech.clips import DATA, Spoken, kana_errors
from server.adapters.whisper.model import LONGEST_FRAMES, Context, WhisperModel
from server.adapters.whisper.recogniser import Recipe, Transcriber
from server.adapters.whisper.vad import SileroNetwork
from server.adapters.whisper.weights import find_weights
from server.speech.ports import SAMPLE_RATE, Samples


def accuracy(sentences: Sequence[Spoken]) -> list[bool]:
    """Prints the kana error of sentences against the full window, what non-speech becomes, and runaways."""
    weights = find_weights("base", Path(".kaiwa") / "models")
    model = WhisperModel(weights.folder, device="cpu", compute_type="default", threads=2, workers=1)
    transcriber = Transcriber(model, SileroNetwork(), Recipe())

    def final(samples: Samples) -> str:
        return transcriber.final(samples, "ja", lambda: False).text

    def full(samples: Samples) -> str:
        encoded = model.encode(samples, Context(lead=0.0), frames=LONGEST_FRAMES)
        return model.decode(encoded, "ja", beam=5, most_tokens=224).text

    morae = sum(len(spoken.kana) for spoken in sentences)
    ours, reference = _error(final, sentences), _error(full, sentences)
    figure("kana_error_final", 100 * ours / morae, "%", len(sentences))
    figure("kana_error_full_beam5", 100 * reference / morae, "%", len(sentences))
    sounds = _sounds()
    texts = [final(samples) for samples in sounds]
    heard = [(spoken, final(spoken.samples)) for spoken in sentences]
    runaway = sum(len(text) > 3 * len(spoken.text) + 10 for spoken, text in heard)
    return [
        figure("cer_points_over_full", 100 * (ours - reference) / morae, "points of kana error", morae, 0.5, aim=0),
        figure("runaway_clips", runaway, "clips", len(heard), 0, aim=0),
        figure("nonspeech_text_clips", sum(bool(text) for text in texts), "clips", len(texts), 0, aim=0),
        figure("speech_clips_without_text", sum(not text for _, text in heard), "clips", len(heard), 0, aim=0),
    ]


def _error(transcribe: Callable[[Samples], str], sentences: Sequence[Spoken]) -> int:
    return sum(kana_errors(transcribe(spoken.samples), spoken.kana) for spoken in sentences)


def _sounds() -> list[Samples]:
    """Music and noise of the shared data, and silence and noises made by rule."""
    random = np.random.default_rng(3)
    count = 3 * SAMPLE_RATE
    made = [np.zeros(count), *(random.standard_normal(count) * level for level in (1e-4, 1e-3, 1e-2, 0.1))]
    folder = DATA / "other_audio"
    with (folder / "manifest.tsv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    recorded = [soundfile.read(folder / row["file"], dtype="float32")[0] for row in rows if row["kind"] != "speech"]
    return [np.asarray(samples, np.float32) for samples in (*made, *recorded)]
