"""How a reference sounds, from Open JTalk's full-context labels and its HTS voice."""

from __future__ import annotations

import asyncio
import re
import warnings
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import soxr
from numpy.typing import NDArray

from server.adapters.openjtalk.analyser import features_of
from server.adapters.openjtalk.intonation import Intonation, load_intonation
from server.adapters.openjtalk.spans import locate
from server.errors import Reason, Unavailable
from server.speech.domain.morae import plain_morae, split_morae
from server.speech.domain.phones import PAUSE, VOWELS, is_phone
from server.speech.domain.pronunciation import AccentPhrase, Pronunciation, group_morae, spelled_pronunciation
from server.speech.domain.prosody.accent import Melody, PhraseMelody
from server.speech.domain.reference import Reference
from server.speech.ports import SAMPLE_RATE, Samples

_PHONE = re.compile(r"-([^+]*)\+")
_PEAK = 0.6
_CACHE = 1024
_MOST_WAITING = 64
_PITCH_STEP = 0.01
_MELODY_AROUND = 2
"""Morae on both sides of a phrase whose melody changes with its accent."""

PitchExtractor = Callable[[Samples], NDArray[np.float64]]
"""Fundamental frequency in Hz every 10 ms, 0 where voiceless, of 16 kHz samples."""


class OpenJTalkPronunciations:
    """Builds pronunciations in a thread of its own (the analyser's answers faster things), and keeps recent ones.

    Args:
        pitch: finds the reference voice's pitch; None: pronunciations have none.
    """

    def __init__(self, pitch: PitchExtractor | None = None) -> None:
        self._pitch = pitch
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="pronunciation")
        self._cache: OrderedDict[object, Pronunciation] = OrderedDict()
        self._waiting = 0

    async def of(self, reference: Reference) -> Pronunciation:
        """How a reference sounds.

        Raises:
            Unavailable: ANALYZER_UNAVAILABLE when there is too much to do.
        """
        key = (reference.text, tuple((w.span, w.reading, w.nucleus) for w in reference.words))
        known = self._cache.get(key)
        if known is not None:
            self._cache.move_to_end(key)
            return known
        if self._waiting >= _MOST_WAITING:
            raise Unavailable(
                Reason.ANALYZER_UNAVAILABLE, "The analyser has too much to do.", retry_after=timedelta(seconds=1)
            )
        self._waiting += 1
        try:
            found = await asyncio.get_running_loop().run_in_executor(self._executor, pronounce, reference, self._pitch)
        finally:
            self._waiting -= 1
        self._cache[key] = found
        if len(self._cache) > _CACHE:
            self._cache.popitem(last=False)
        return found

    def close(self) -> None:
        """Ends the thread."""
        self._executor.shutdown(wait=True, cancel_futures=True)


def pronounce(reference: Reference, pitch: PitchExtractor | None = None) -> Pronunciation:
    """Builds a pronunciation in this thread: about 20 ms a second of speech.

    Returns:
        Phones with lengths and accents; where the analyser can't be brought to read the text as the reference has it,
        the phones of its kana alone.
    """
    features = _as_read(reference, features_of(reference.text))
    labels = _labels(features)
    names = tuple(_phone_name(label) for label in labels)
    kept = [i for i, name in enumerate(names) if name != PAUSE or i in {0, len(names) - 1}]
    phones = tuple(names[i] for i in kept)
    spans = group_morae(phones)
    # The spans follow each other unless a consonant lost its vowel, as in some foreign spellings.
    whole = bool(spans) and all(a[1] == b[0] for a, b in pairwise(spans))
    if not whole or len(spans) != len(reference.morae) or not all(map(is_phone, phones)):
        return spelled_pronunciation(reference)
    durations = _say_each(labels)
    contour = None if pitch is None else _without_pauses(pitch(_say_whole(labels)), durations, kept)
    phrases = _phrases(features, len(spans))
    melody = _melody(features, phrases)
    return Pronunciation(reference, phones, spans, durations[kept], phrases, contour, melody)


def _phone_name(label: str) -> str:
    match = _PHONE.search(label)
    name = match.group(1) if match else ""
    return PAUSE if name == "sil" else name


def _as_read(reference: Reference, features: list[Any]) -> list[Any]:
    """The analyser's features with the readings and accents that the reference has in their place."""
    located = locate(reference.text, [feature["string"] for feature in features])
    owners: dict[int, int] = {}
    for span, indexes in located:
        for number, word in enumerate(reference.words):
            if word.span.offset <= span.offset < word.span.offset + word.span.length:
                owners |= dict.fromkeys(indexes, number)
    result: list[Any] = []
    told: set[int] = set()
    for index, feature in enumerate(features):
        if index not in owners:
            result.append(feature)
            continue
        number = owners[index]
        if number in told:
            continue
        told.add(number)
        own = [features[i] for i in sorted(owners) if owners[i] == number]
        word = reference.words[number]
        wanted = split_morae(word.reading)
        spoken = tuple(mora for f in own for mora in split_morae(f["pron"]))
        if wanted != spoken:
            own = [own[0] | {"pron": "".join(wanted), "mora_size": len(wanted), "acc": min(own[0]["acc"], len(wanted))}]
        if word.nucleus is not None:
            # An accent that was asked for begins a phrase of its own.
            own = [own[0] | {"acc": word.nucleus, "chain_flag": 0}, *own[1:]]
        result.extend(own)
    return result


def _labels(features: Sequence[Any]) -> list[str]:
    import pyopenjtalk

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return list(pyopenjtalk.make_label(list(features)))


def _phrases(features: Sequence[Any], morae: int) -> tuple[AccentPhrase, ...]:
    """The accent phrases: a word that is chained to the one before shares its accent.

    In the labels flat phrases and those with the drop after the last mora look alike; the features tell them apart.
    """
    found: list[list[int]] = []
    broken = True
    for feature in features:
        count = len(plain_morae(feature["pron"]))
        if not count:
            broken = True
            continue
        if broken or feature["chain_flag"] != 1:
            found.append([count, feature["acc"]])
        else:
            found[-1][0] += count
        broken = False
    if sum(count for count, _ in found) != morae:
        return ()
    first = 0
    phrases: list[AccentPhrase] = []
    for count, accent in found:
        nucleus = accent if 0 <= accent <= count else 0
        phrases.append(AccentPhrase(first, count, nucleus, (nucleus,)))
        first += count
    return tuple(phrases)


def _melody(features: Sequence[Any], phrases: Sequence[AccentPhrase]) -> Melody | None:
    """The voice's melody for every accent that each phrase could have while the others have theirs."""
    if not phrases:
        return None
    total = phrases[-1].first_mora + phrases[-1].mora_count
    found: list[PhraseMelody | None] = []
    for phrase, head in zip(phrases, _heads(features), strict=True):
        if phrase.mora_count < 2:
            found.append(None)
            continue
        start = max(0, phrase.first_mora - _MELODY_AROUND)
        end = min(total, phrase.first_mora + phrase.mora_count + _MELODY_AROUND)
        curves = [
            _semitones([*features[:head], features[head] | {"acc": nucleus}, *features[head + 1 :]], start, end)
            for nucleus in (*range(1, phrase.mora_count), 0)
        ]
        found.append(PhraseMelody(start, np.stack(curves)))
    return Melody(_semitones(features, 0, total), tuple(found))


def _heads(features: Sequence[Any]) -> list[int]:
    """The index of the first word of each accent phrase, as `_phrases` finds them."""
    found: list[int] = []
    broken = True
    for index, feature in enumerate(features):
        spoken = bool(plain_morae(feature["pron"]))
        if spoken and (broken or feature["chain_flag"] != 1):
            found.append(index)
        broken = not spoken
    return found


def _semitones(features: Sequence[Any], start: int, end: int) -> NDArray[np.float64]:
    """The melody of some morae, (morae, 3) semitones above 1 Hz, of their vowels and nasals."""
    chosen: list[str] = []
    carriers: list[int] = []
    mora = 0
    for label in _labels(features):
        name = _phone_name(label)
        carries = name == "N" or name == "cl" or name.lower() in VOWELS
        # One mora more on each side: a curve is drawn towards what follows and comes from what went before.
        if start - 1 <= mora <= end and name != PAUSE:
            if carries and start <= mora < end:
                carriers.append(len(chosen))
            chosen.append(label)
        mora += carries
    return np.asarray(12 / np.log(2) * _intonation().melody(chosen)[carriers], np.float64)


def _intonation() -> Intonation:
    from pyopenjtalk import DEFAULT_HTS_VOICE

    return load_intonation(Path(DEFAULT_HTS_VOICE.decode()))


def _say_each(labels: Sequence[str]) -> NDArray[np.float64]:
    """Seconds of each label: said alone, it has exactly the length that it has in the whole."""
    engine = _engine()
    rate = engine.get_sampling_frequency()
    return np.array([len(engine.synthesize([label])) / rate for label in labels])


def _without_pauses(
    contour: NDArray[np.float64], durations: NDArray[np.float64], kept: Sequence[int]
) -> NDArray[np.float64]:
    """A contour without the frames of the labels that are not kept."""
    owner = np.searchsorted(np.cumsum(durations), _PITCH_STEP * np.arange(len(contour)), side="right")
    return contour[np.isin(np.minimum(owner, len(durations) - 1), kept)]


def _say_whole(labels: Sequence[str]) -> Samples:
    engine = _engine()
    wave = np.asarray(engine.synthesize(list(labels)), np.float64)
    peak = float(np.max(np.abs(wave), initial=1e-6))
    loud = (wave * (_PEAK / peak)).astype(np.float32)
    return np.asarray(soxr.resample(loud, engine.get_sampling_frequency(), SAMPLE_RATE), np.float32)


_engines: list[Any] = []


def _engine() -> Any:
    # Imported when first used, as everything of Open JTalk.
    from pyopenjtalk import DEFAULT_HTS_VOICE
    from pyopenjtalk.htsengine import HTSEngine

    if not _engines:
        _engines.append(HTSEngine(DEFAULT_HTS_VOICE))
    return _engines[0]
