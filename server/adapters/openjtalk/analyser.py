"""Words and readings by Open JTalk (pyopenjtalk-plus, with its dictionary)."""

from __future__ import annotations

import asyncio
import re
import warnings
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

from server.adapters.openjtalk.spans import locate
from server.adapters.openjtalk.taking_apart import AccentDictionary, TextParts, analyser_version, part_of_speech
from server.content.domain.analysis import Parts, Said
from server.content.domain.part_of_speech import PartOfSpeech
from server.errors import Reason, Unavailable
from server.speech.domain.reference import TextSpan

T = TypeVar("T")

_CACHE = 4096
_MOST_WAITING = 256
_KANA = re.compile(r"[ァ-ヶー]+")


@dataclass(frozen=True, slots=True)
class AnalysedWord:
    """A word as Open JTalk finds it.

    Attributes:
        text: as it stands in the original.
        span: where it stands.
        pronunciation: katakana as spoken (the particle は is ワ); empty for punctuation.
        spelling: katakana as spelled (the particle は is ハ); empty for punctuation.
        lemma: dictionary form.
        part_of_speech: as the dictionary names it (`名詞`, `助詞`, ...).
        kind: the same, finer.
    """

    text: str
    span: TextSpan
    pronunciation: str
    spelling: str
    lemma: str
    part_of_speech: str
    kind: PartOfSpeech = PartOfSpeech.OTHER


class OpenJTalkAnalyser:
    """Analyses texts in one thread of its own (an Open JTalk object serves one thread), with a cache of recent ones.

    Args:
        accents: what another dictionary says of words' accents.
    """

    def __init__(self, accents: AccentDictionary | None = None) -> None:
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="openjtalk")
        self._accents = accents
        self._parts: TextParts | None = None
        self._cache: OrderedDict[str, tuple[AnalysedWord, ...]] = OrderedDict()
        self._waiting = 0

    @property
    def version(self) -> str:
        """Name and version of the analyser."""
        return analyser_version()

    async def analyse(self, text: str) -> tuple[AnalysedWord, ...]:
        """The words of a text in order, punctuation among them.

        Raises:
            Unavailable: ANALYZER_UNAVAILABLE when there is too much to do.
        """
        known = self._cache.get(text)
        if known is not None:
            self._cache.move_to_end(text)
            return known
        words = await self._in_turn(lambda: analyse(text))
        self._cache[text] = words
        if len(self._cache) > _CACHE:
            self._cache.popitem(last=False)
        return words

    async def take_apart(self, text: str, said: Sequence[Said] = ()) -> Parts:
        """The words and accent phrases of a text, with what somebody knows better put right.

        Raises:
            Unavailable: ANALYZER_UNAVAILABLE when there is too much to do.
        """
        return await self._in_turn(lambda: self._take_apart(text, said))

    def _take_apart(self, text: str, said: Sequence[Said]) -> Parts:
        if self._parts is None:
            self._parts = TextParts(self._accents)
        return self._parts.take_apart(text, said)

    async def _in_turn(self, work: Callable[[], T]) -> T:
        if self._waiting >= _MOST_WAITING:
            raise Unavailable(
                Reason.ANALYZER_UNAVAILABLE,
                "The analyser has too much to do.",
                retry_after=timedelta(seconds=1),
            )
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._executor, work)
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """Ends the thread."""
        self._executor.shutdown(wait=True, cancel_futures=True)


def analyse(text: str) -> tuple[AnalysedWord, ...]:
    """Analyses a text in this thread."""
    features = features_of(text)
    words: list[AnalysedWord] = []
    for span, indexes in locate(text, [feature["string"] for feature in features]):
        own = [features[i] for i in indexes]
        first = own[0]
        words.append(
            AnalysedWord(
                text[span.offset : span.offset + span.length],
                span,
                "".join(_kana(feature["pron"]) for feature in own),
                "".join(_kana(feature["read"]) for feature in own),
                first["orig"],
                first["pos"],
                part_of_speech(first),
            )
        )
    return tuple(words)


def features_of(text: str) -> list[Any]:
    """The morphemes of a text as Open JTalk's front end gives them, in this thread."""
    # Imported when first used: the dictionaries take half a second to load.
    import pyopenjtalk

    if not text.strip():
        return []
    with warnings.catch_warnings():
        # SudachiPy, which pyopenjtalk-plus asks for the readings of some kanji, deprecates the way it is called.
        warnings.simplefilter("ignore", DeprecationWarning)
        return list(pyopenjtalk.run_frontend(text.replace("\0", "")))


def _kana(reading: str) -> str:
    """The kana of a reading, without marks of devoicing; empty for punctuation."""
    return "".join(_KANA.findall(reading))
