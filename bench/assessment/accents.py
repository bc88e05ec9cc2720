"""Measures and derives the judgement of pitch accents.

Isolated words: the shared recordings of `tofugu-m` (the accents of `tofugu-f` are the dictionary's, not hers),
cross-validated by word. Phrases in sentences: Open JTalk's speech with right and planted accents. Trained on sentences
of Tatoeba and, since every learner has another voice than Open JTalk, on the shared recordings of sentences, whose
accents are taken from its dictionary; tested on the starter deck, none of whose sentences is trained on.
"""

from __future__ import annotations

import bz2
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.assessment.clips import Clip, Group, Sentence, Split
from bench.assessment.fitting import conditional_logit
from bench.assessment.frontend import morae_of, phrases_of, read, with_nucleus
from bench.assessment.measures import folds
from bench.assessment.recordings import DATA, recordings
from bench.assessment.voices import OPEN_JTALK_VOICES
from server.adapters.domino.network import DominoNetwork
from server.adapters.openjtalk.pronunciation import pronounce
from server.speech.domain.alignment import align
from server.speech.domain.pronunciation import Pronunciation
from server.speech.domain.prosody.accent import (
    FEATURES,
    LOCAL_FEATURES,
    AccentParameters,
    accent_features,
)
from server.speech.domain.prosody.contour import rhyme_pitch
from server.speech.domain.prosody.pitch import track
from server.speech.ports import SAMPLE_RATE, Samples

Floats = NDArray[np.float64]

WORD_RIDGE = 0.01
PHRASE_RIDGE = 0.001
HUMAN_WEIGHT = 10.0
"""How many synthetic phrases a phrase of a human counts for."""
TRAINED_SENTENCES = 300
_FOREIGN = re.compile("[0-9A-Za-z０-９Ａ-Ｚ]")
PLANTED = 0.5
"""Share of the phrases with another accent than the dictionary's, in what is trained on."""


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """A phrase.

    Attributes:
        key: of the word or sentence: what has the same key is never both trained and tested on.
        features: (patterns, FEATURES).
        said: index of the pattern that was said.
        expected: of the one that should have been said.
    """

    key: str
    features: Floats
    said: int
    expected: int


def pattern(nucleus: int, morae: int) -> int:
    """The index of a nucleus among the patterns of a phrase: flat and a drop after the last mora are one."""
    return nucleus - 1 if 0 < nucleus < morae else morae - 1


def contour_of(model: DominoNetwork, pronunciation: Pronunciation, samples: Samples) -> Floats | None:
    """The pitch of the vowels of an utterance; None where the text does not fit at all."""
    alignment = align(model.transitions(samples), pronunciation.ids)
    if alignment is None:
        return None
    return rhyme_pitch(track(samples, SAMPLE_RATE), pronunciation, alignment)


def samples_of(
    key: str, contour: Floats, pronunciation: Pronunciation, said: Sequence[int], parameters: AccentParameters
) -> Iterator[tuple[int, Sample]]:
    """The phrases that can be judged, with their indexes.

    Args:
        key: of the word or sentence.
        contour: of the utterance.
        pronunciation: as it should have been said.
        said: the nucleus of each phrase.
        parameters: how features are made.
    """
    phrases = [(phrase.first_mora, phrase.mora_count) for phrase in pronunciation.phrases]
    found = accent_features(contour, phrases, pronunciation.melody, parameters.melody, parameters.most_voiceless)
    for index, (features, phrase) in enumerate(zip(found, pronunciation.phrases, strict=True)):
        if features is not None:
            count = phrase.mora_count
            yield index, Sample(key, features, pattern(said[index], count), pattern(phrase.nucleus, count))


def spoken_by_humans(
    model: DominoNetwork, parameters: AccentParameters, kind: str, speakers: str | None = None
) -> list[Sample]:
    """Phrases of the shared recordings, with the accents that the manifest or else the dictionary gives them."""
    found: list[Sample] = []
    for recording in recordings(kind):
        if speakers is not None and recording.speaker != speakers:
            continue
        made = pronounce(recording.reference())
        contour = contour_of(model, made, recording.samples)
        if contour is not None:
            said = [phrase.nucleus for phrase in made.phrases]
            found.extend(sample for _, sample in samples_of(recording.text, contour, made, said, parameters))
    return found


def training_clips(count: int = TRAINED_SENTENCES) -> list[Clip]:
    """Sentences of Tatoeba by Open JTalk, half of their phrases with an accent drawn at random."""
    rng = random.Random("accents")
    path = DATA / "tatoeba" / "jpn_sentences.tsv.bz2"
    with bz2.open(path, "rt", encoding="utf-8") as file:
        rows = [line.rstrip("\n").split("\t") for line in file]
    texts = [
        (row[0], row[2]) for row in rows if 8 <= len(row[2]) <= 24 and not re.search("[0-9A-Za-z０-９Ａ-Ｚ]", row[2])
    ]
    rng.shuffle(texts)
    found: list[Clip] = []
    for key, text in texts:
        if len(found) == count:
            break
        features = read(text)
        phrases = phrases_of(features)
        morae = sum(len(morae_of(word["pron"])) for word in features)
        if len(phrases) < 2 or sum(phrase.morae for phrase in phrases) != morae:
            continue
        said = features
        for phrase in phrases:
            if phrase.morae > 1 and rng.random() < PLANTED:
                said = with_nucleus(said, phrase, rng.randrange(phrase.morae))
        sentence = Sentence(f"tatoeba-{key}", Split.TUNE, text, features, phrases)
        voice, speed = rng.choice(OPEN_JTALK_VOICES), rng.choice((0.8, 0.9, 1.0, 1.1, 1.2))
        found.append(Clip(sentence.key, Group.ACCENT, sentence, voice, speed, said))
    return found


def spoken_by_open_jtalk(
    model: DominoNetwork, parameters: AccentParameters, clips: Sequence[Clip]
) -> list[tuple[Clip, int, Sample]]:
    """Phrases of clips, each with its clip and its index."""
    found: list[tuple[Clip, int, Sample]] = []
    for clip in clips:
        made = pronounce(clip.sentence.reference())
        said = phrases_of(clip.said)
        if [(p.first, p.morae) for p in said] != [(p.first_mora, p.mora_count) for p in made.phrases]:
            # A pause was put into the clip where the text has none: the phrases are others.
            continue
        contour = contour_of(model, made, clip.take().samples)
        if contour is not None:
            own = samples_of(clip.sentence.key, contour, made, [phrase.nucleus for phrase in said], parameters)
            found.extend((clip, index, sample) for index, sample in own)
    return found


def fit_words(samples: Sequence[Sample]) -> Floats:
    """Weights of LOCAL_FEATURES."""
    width = len(LOCAL_FEATURES)
    return conditional_logit([one.features[:, :width] for one in samples], [one.said for one in samples], WORD_RIDGE)


def fit_phrases(synthetic: Sequence[Sample], human: Sequence[Sample]) -> Floats:
    """Weights of FEATURES."""
    both = [*synthetic, *human]
    shares = np.array([1.0] * len(synthetic) + [HUMAN_WEIGHT] * len(human))
    return conditional_logit([one.features for one in both], [one.said for one in both], PHRASE_RIDGE, shares)


def probabilities(weights: Floats, features: Floats) -> Floats:
    """Of each pattern."""
    odds = features[:, : len(weights)] @ weights
    likely = np.exp(odds - odds.max())
    return np.asarray(likely / likely.sum(), np.float64)


def cross_validated(samples: Sequence[Sample]) -> list[Floats]:
    """The probabilities of each isolated word's patterns by a model that has not seen the word."""
    found: list[Floats] = [np.zeros(0)] * len(samples)
    for tested in folds([one.key for one in samples]):
        weights = fit_words([one for one, out in zip(samples, tested, strict=True) if not out])
        for index in np.flatnonzero(tested).tolist():
            found[index] = probabilities(weights, samples[index].features)
    return found


def named(weights: Floats) -> dict[str, float]:
    """Weights by their features' names, as the parameter file has them."""
    names = FEATURES if len(weights) == len(FEATURES) else LOCAL_FEATURES
    return {name: round(float(weight), 4) for name, weight in zip(names, weights, strict=True)}
