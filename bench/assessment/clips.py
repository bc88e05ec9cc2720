"""The clips that assessment is measured with: right readings, planted errors, wrong accents, halting readings.

What is said, by whom and how is drawn with a fixed seed from the sentences of the starter deck, so that every run has
the same clips. They are kept in `.build/assessment`. Half of the sentences are for tuning, the other half for testing:
no parameter may be chosen by the latter.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

import numpy as np

from bench.assessment.frontend import Features, Phrase, is_mark, morae_of, phrases_of, read, with_nucleus, with_pause
from bench.assessment.planting import KINDS, Planted, draw, places, plant
from bench.assessment.recordings import reference_of
from bench.assessment.voices import OPEN_JTALK_VOICES, QUIET, VOICES, Take, halting, planned, speak
from server.speech.domain.reference import Reference

ROOT = Path(__file__).parents[2]
CACHE = ROOT / ".build" / "assessment" / "takes"
DECK = ROOT / "server" / "content" / "starter" / "deck.tsv"
SENTENCES = 24
"""Of each split."""
SPEEDS = (0.8, 0.9, 1.0, 1.1, 1.2)
COUNTS = (0, 1, 2, 3, 5)
SHORTEST, LONGEST = 8, 30
"""Morae of the sentences."""
WITH_PAUSE = 0.3
"""Share of the clips that have a pause where a reader may make one, at the beginning of a phrase."""
TIMES = {"palatal_lost": 2, "geminate_lost": 2, "nasal_lost": 2, "long_shortened": 2}
"""How often a sentence with room for it has a kind of error; the others once. These are rarer in sentences."""
SLOWEST, SLOW = 0.6, 0.85
"""Speeds of halting readings."""
_FORM = 1
"""Changes when the voices or the edits change in a way that the cache cannot see."""


class Split(StrEnum):
    """What a sentence is for."""

    TUNE = "tune"
    TEST = "test"


class Group(StrEnum):
    """What a clip is like."""

    RIGHT = "right"
    ERROR = "error"
    SERIES = "series"
    ACCENT = "accent"
    HALTING = "halting"


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence to be read.

    Attributes:
        key: in the deck.
        split: what it is for.
        text: as written.
        features: as read right.
        phrases: its accent phrases as read right.
    """

    key: str
    split: Split
    text: str
    features: Features
    phrases: tuple[Phrase, ...]

    @property
    def morae(self) -> int:
        """How many morae it has."""
        return sum(len(morae_of(word["pron"])) for word in self.features)

    def reference(self) -> Reference:
        """What is to be said, as the product has it."""
        return reference_of(self.text)


@dataclass(frozen=True, slots=True)
class Clip:
    """How a sentence is said.

    Attributes:
        id: names it.
        group: what it is like.
        sentence: what should be said.
        voice, speed: who says it how fast.
        said: what is said.
        errors: what is wrong.
        wrong_phrase: index of the phrase with a wrong accent; None: none.
        nucleus: of that phrase.
        breaks: hesitations: after which mora, how many seconds.
    """

    id: str
    group: Group
    sentence: Sentence
    voice: str
    speed: float
    said: Features
    errors: tuple[Planted, ...] = ()
    wrong_phrase: int | None = None
    nucleus: int | None = None
    breaks: tuple[tuple[int, float], ...] = ()

    def take(self) -> Take:
        """The audio, from the cache where it has been made before."""
        words = [[w["string"], w["pron"], w["acc"], w["mora_size"], w["chain_flag"], w["pos"]] for w in self.said]
        key = hashlib.sha256(json.dumps([_FORM, words, self.voice, self.speed]).encode()).hexdigest()[:24]
        path = CACHE / f"{key}.npz"
        if path.is_file():
            with np.load(path) as stored:
                morae = stored["morae"]
                if self.voice in OPEN_JTALK_VOICES:
                    morae = planned(self.said, self.speed) + QUIET
                made = Take(np.asarray(stored["samples"] / 32767, np.float32), morae)
        else:
            made = speak(self.said, self.voice, self.speed)
            quantised = np.round(made.samples * 32767).astype(np.int16)
            CACHE.mkdir(parents=True, exist_ok=True)
            partial = path.with_suffix(f".{os.getpid()}.npz")
            np.savez(partial, samples=quantised, morae=made.morae)
            partial.rename(path)
            made = Take(np.asarray(quantised / 32767, np.float32), made.morae)
        return halting(made, self.breaks) if self.breaks else made


def sentences() -> tuple[Sentence, ...]:
    """The sentences of the starter deck that are neither very short nor very long, half of them for tuning."""
    found = []
    with DECK.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            features = read(row["japanese"])
            even = hashlib.sha256(row["key"].encode()).digest()[0] % 2 == 0
            split = Split.TUNE if even else Split.TEST
            sentence = Sentence(row["key"], split, row["japanese"], features, phrases_of(features))
            if SHORTEST <= sentence.morae <= LONGEST and len(sentence.phrases) > 1:
                found.append(sentence)
    return tuple(found)


def clips(split: Split, count: int, *, seed: int = 1) -> tuple[Clip, ...]:
    """All clips of some sentences.

    Args:
        split: of which half.
        count: of how many sentences at most.
        seed: other seeds draw other sentences, errors, voices, speeds and pauses.
    """
    own = [sentence for sentence in sentences() if sentence.split is split]
    random.Random(f"{seed}/{split}").shuffle(own)
    chosen = _balanced(own, count)
    return tuple(clip for sentence in chosen for clip in _of(sentence, random.Random(f"{seed}/{sentence.key}")))


def _balanced(own: Sequence[Sentence], count: int) -> list[Sentence]:
    """So many sentences, such that every kind of error finds places: the next is the one with the rarest so far."""
    room = [{kind for kind, errors in places(one.features, random.Random(0)).items() if errors} for one in own]
    had = dict.fromkeys(KINDS, 0)
    left = list(range(len(own)))
    chosen: list[Sentence] = []
    while left and len(chosen) < count:
        best = max(left, key=lambda index: sum(1 / (1 + had[kind]) ** 2 for kind in sorted(room[index])))
        left.remove(best)
        chosen.append(own[best])
        for kind in room[best]:
            had[kind] += 1
    return chosen


def _of(sentence: Sentence, rng: random.Random) -> Iterator[Clip]:
    kokoro = [voice for voice in VOICES if voice not in OPEN_JTALK_VOICES]

    def clip(name: str, group: Group, voice: str, errors: Sequence[Planted] = ()) -> Clip:
        said = plant(sentence.features, errors)
        if rng.random() < WITH_PAUSE:
            said = _with_a_pause(said, rng)
        return Clip(f"{sentence.key}/{name}", group, sentence, voice, rng.choice(SPEEDS), said, tuple(errors))

    def either() -> str:
        return rng.choice(OPEN_JTALK_VOICES if rng.random() < 0.5 else kokoro)

    rights = [clip(f"right-{i}", Group.RIGHT, rng.choice(v)) for i, v in enumerate((OPEN_JTALK_VOICES, kokoro))]
    yield from rights
    found = places(sentence.features, rng)
    for kind in KINDS:
        for number, error in enumerate(rng.sample(found[kind], min(TIMES.get(kind, 1), len(found[kind])))):
            yield clip(f"{kind}-{number}", Group.ERROR, either(), [error])
    most = draw(sentence.features, max(COUNTS), rng)
    if most is not None:
        order = rng.sample(most, len(most))
        first = clip("series-0", Group.SERIES, either())
        for number in COUNTS:
            errors = tuple(sorted(order[:number], key=lambda error: error.mora))
            said = plant(sentence.features, errors)
            yield replace(first, id=f"{sentence.key}/series-{number}", said=said, errors=errors)
    yield from _wrong_accents(sentence, rng)
    for right in rights:
        yield _halting(right, rng)


def _with_a_pause(features: Features, rng: random.Random) -> Features:
    """A pause before a phrase that has none, where there is one."""
    free = [p for p in phrases_of(features)[1:] if p.head > 0 and not is_mark(features[p.head - 1])]
    return with_pause(features, rng.choice(free)) if free else features


def _wrong_accents(sentence: Sentence, rng: random.Random) -> Iterator[Clip]:
    """Two phrases of two or more morae with another nucleus each, by Open JTalk alone: Kokoro takes no accent.

    A drop after the last mora counts as flat: in the labels they are the same.
    """
    able = [i for i, phrase in enumerate(sentence.phrases) if phrase.morae > 1]
    for number in rng.sample(able, min(2, len(able))):
        phrase = sentence.phrases[number]
        nucleus = rng.choice([k for k in range(phrase.morae) if k != phrase.nucleus])
        said = with_nucleus(sentence.features, phrase, nucleus)
        yield Clip(
            f"{sentence.key}/accent-{number}", Group.ACCENT, sentence, rng.choice(OPEN_JTALK_VOICES),
            rng.choice(SPEEDS), said, wrong_phrase=number, nucleus=nucleus,
        )  # fmt: skip


def _halting(right: Clip, rng: random.Random) -> Clip:
    """The same sentence read slowly, with hesitations every six morae or so, as much inside words as between."""
    morae = right.sentence.morae
    at = rng.sample(range(morae - 1), max(2, round(morae / 6)))
    breaks = tuple((mora, round(rng.uniform(0.25, 0.9), 2)) for mora in sorted(at))
    speed = round(rng.uniform(SLOWEST, SLOW), 2)
    return replace(right, id=f"{right.id}-halting", group=Group.HALTING, speed=speed, breaks=breaks)


def main() -> None:
    """Makes all clips, so that measuring does not wait for the voices."""
    make: Callable[[Clip], Take] = Clip.take
    for split in Split:
        own = clips(split, SENTENCES)
        for number, clip in enumerate(own, 1):
            make(clip)
            if number % 50 == 0 or number == len(own):
                print(f"{split}: {number} of {len(own)}", flush=True)


if __name__ == "__main__":
    main()
