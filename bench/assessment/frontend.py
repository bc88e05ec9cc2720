"""Sentences as Open JTalk's front end sees them: words with editable pronunciations and accents."""

from __future__ import annotations

import copy
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

Features = list[dict[str, Any]]
"""Open JTalk's words, dictionaries with `string`, `pron`, `acc`, `mora_size`, `chain_flag`, `pos` and others."""

_MORA = re.compile(r"(?:[ァ-ヴ][ャュョァィゥェォヮ]?|ー)’?")
_PHRASE = re.compile(r"/F:(\d+)_(\d+)#\d+_\w+@(\d+)_")
_PLACE = re.compile(r"/A:-?\d+\+(\d+)\+\d+/")
_BREATH_GROUP = re.compile(r"/I:[^@]*@(\d+)")
_PHONE = re.compile(r"-([^+]*)\+")


@dataclass(frozen=True, slots=True)
class Phrase:
    """An accent phrase.

    Attributes:
        first: index of its first mora in the sentence.
        morae: how many it has.
        nucleus: the mora after which the pitch drops, from 1; 0 is flat.
        head: index of its first word.
    """

    first: int
    morae: int
    nucleus: int
    head: int


def read(text: str) -> Features:
    """The words of a text, as the analyser of the product finds them."""
    import pyopenjtalk

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return [dict(word) for word in pyopenjtalk.run_frontend(text)]


def labels(features: Features) -> list[str]:
    """Full-context labels, the input of the voice."""
    import pyopenjtalk

    made: list[str] = pyopenjtalk.make_label(features)  # type: ignore[arg-type]
    return made


def phones_of(made: Sequence[str]) -> list[str]:
    """The phone of each label, `sil` at the ends and `pau` between."""
    found = []
    for label in made:
        match = _PHONE.search(label)
        assert match is not None
        found.append(match.group(1))
    return found


def morae_of(pronunciation: str) -> list[str]:
    """A word's morae; a mark of devoicing stays with its mora."""
    return _MORA.findall(pronunciation)


def is_mark(word: dict[str, Any]) -> bool:
    """Whether a word is punctuation."""
    return not morae_of(word["pron"])


def phrases_of(features: Features) -> tuple[Phrase, ...]:
    """The accent phrases that the labels have, with their nuclei."""
    heads = _heads(features)
    found: list[Phrase] = []
    last: tuple[str, ...] = ()
    place = 0
    count = 0
    for label in labels(features):
        phrase, position, group = _PHRASE.search(label), _PLACE.search(label), _BREATH_GROUP.search(label)
        if phrase is None or position is None or group is None:
            last = ()
            continue
        key = (*phrase.groups(), group.group(1))
        here = int(position.group(1))
        if key != last or here < place:
            size, nucleus = int(phrase.group(1)), int(phrase.group(2))
            found.append(Phrase(count, size, 0 if nucleus == size else nucleus, heads[len(found)]))
            count += size
        last, place = key, here
    return tuple(found)


def with_nucleus(features: Features, phrase: Phrase, nucleus: int) -> Features:
    """The same sentence with another accent on one phrase."""
    changed = copy.deepcopy(features)
    changed[phrase.head]["acc"] = nucleus
    return changed


def with_morae(features: Features, word: int, morae: Sequence[str]) -> Features:
    """The same sentence with one word said otherwise."""
    changed = copy.deepcopy(features)
    changed[word]["pron"] = "".join(morae)
    changed[word]["mora_size"] = len(morae)
    changed[word]["acc"] = min(changed[word]["acc"], len(morae))
    return changed


def with_pause(features: Features, phrase: Phrase) -> Features:
    """The same sentence with a pause before a phrase."""
    mark = next(word for word in read("はい、はい") if is_mark(word))
    changed = copy.deepcopy(features)
    changed.insert(phrase.head, dict(mark))
    changed[phrase.head + 1]["chain_flag"] = 0
    return changed


def _heads(features: Features) -> list[int]:
    """The first word of each accent phrase."""
    return [i for i, word in enumerate(features) if not is_mark(word) and word["chain_flag"] in (-1, 0)]
