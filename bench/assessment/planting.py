"""Plants errors that learners make into sentences.

Every kind is planted equally often, as far as the sentences have a place for it: see `KINDS`.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bench.assessment.frontend import Features, is_mark, morae_of, with_morae

SEGMENTAL = ("vowel", "voicing", "nasal_lost", "palatal_lost", "learner_consonant", "particle_dropped")
LENGTH = ("long_shortened", "short_lengthened", "geminate_lost", "geminate_added")
KINDS = SEGMENTAL + LENGTH

_VOWELS = dict(
    zip(
        "アイウエオ",
        ("アカガサザタダナハバパマヤラワャァ", "イキギシジチヂニヒビピミリィ", "ウクグスズツヅヌフブプムユルュゥ",
         "エケゲセゼテデネヘベペメレェ", "オコゴソゾトドノホボポモヨロヲョォ"),
        strict=True,
    )
)  # fmt: skip
_ROWS = ("カキクケコ", "ガギグゲゴ", "サ スセソ", "ザ ズゼゾ", "タ  テト", "ダ  デド", "ナニヌネノ", "ハヒ ヘホ",
         "バビブベボ", "パピプペポ", "マミムメモ", "ラリルレロ")  # fmt: skip
_VOICED = dict(zip("カキクケコサシスセソタチテトハヒフヘホ", "ガギグゲゴザジズゼゾダジデドバビブベボ", strict=True))
_OTHER_VOICING = {voiced: plain for plain, voiced in _VOICED.items() if plain != "チ"} | _VOICED
_LEARNERS = {
    "ツ": "ス", "シ": "ス", "フ": "ホ", "チ": "ティ", "ヒ": "フィ", "ズ": "ジュ", "リョ": "ロ", "キョ": "コ",
    "シュ": "ス", "ジュ": "ズ", "ザ": "ジャ", "ゾ": "ジョ", "ラ": "ダ", "レ": "デ", "ロ": "ド", "ル": "ヌ",
    "リ": "ディ",
}  # fmt: skip
_BEFORE_GEMINATE = "カキクケコサシスセソタチツテトパピプペポ"


@dataclass(frozen=True, slots=True)
class Planted:
    """An error in a sentence.

    Attributes:
        kind: one of KINDS.
        word: index of the word among the front end's.
        mora: index in the right sentence of the mora that is said wrong, is missing, or before or after which something
            was put.
        morae: how many morae are concerned from there.
        said: the morae of the word as they are said; empty when the word is dropped.
    """

    kind: str
    word: int
    mora: int
    morae: int
    said: tuple[str, ...]


def places(features: Features, rng: random.Random) -> dict[str, list[Planted]]:
    """Every error that could be planted, by kind; where there is a choice of sounds, one is drawn."""
    found: dict[str, list[Planted]] = {kind: [] for kind in KINDS}
    first = 0
    for index, word in enumerate(features):
        if is_mark(word):
            continue
        marked = morae_of(word["pron"])
        morae = [mora.rstrip("’") for mora in marked]
        for at in range(len(morae)):
            for kind, said in _errors(word["pos"], morae, at, rng):
                changed = (*marked[:at], *said, *marked[at + 1 :])
                found[kind].append(Planted(kind, index, first + at, 1, changed))
        if word["pos"] == "助詞" and word["pos_group1"] in ("格助詞", "係助詞") and index > 0:
            found["particle_dropped"].append(Planted("particle_dropped", index, first, len(morae), ()))
        first += len(morae)
    return found


def plant(features: Features, errors: Sequence[Planted]) -> Features:
    """The sentence with errors in it, each in a word of its own.

    Raises:
        ValueError: two errors are in one word.
    """
    if len({error.word for error in errors}) != len(errors):
        raise ValueError("A word takes one error.")
    changed = copy.deepcopy(features)
    for error in errors:
        if error.said:
            changed = with_morae(changed, error.word, error.said)
    dropped = {error.word for error in errors if not error.said}
    return [word for index, word in enumerate(changed) if index not in dropped]


def draw(features: Features, count: int, rng: random.Random) -> tuple[Planted, ...] | None:
    """Errors in so many different words, all kinds equally likely; None when the sentence has no room for them."""
    found = places(features, rng)
    chosen: list[Planted] = []
    while len(chosen) < count:
        taken = {error.word for error in chosen}
        free = {kind: [error for error in errors if error.word not in taken] for kind, errors in found.items()}
        kinds = [kind for kind in KINDS if free[kind]]
        if not kinds:
            return None
        chosen.append(rng.choice(free[rng.choice(kinds)]))
    return tuple(sorted(chosen, key=lambda error: error.mora))


def _errors(part: str, morae: Sequence[str], at: int, rng: random.Random) -> Iterator[tuple[str, list[str]]]:
    mora = morae[at]
    after = morae[at + 1] if at + 1 < len(morae) else ""
    grammatical = part in ("助詞", "助動詞")
    if _is_long(morae, at):
        yield "long_shortened", []
    elif not grammatical and mora[-1] not in "アイウエオッン" and after not in ("ー", "ッ", "ン", *"アイウエオ"):
        yield "short_lengthened", [mora, "ー"]
    if mora == "ッ" and after:
        yield "geminate_lost", []
    if at > 0 and mora[0] in _BEFORE_GEMINATE and morae[at - 1] not in ("ッ", "ン", "ー"):
        yield "geminate_added", ["ッ", mora]
    if mora == "ン" and at > 0:
        yield "nasal_lost", []
    if mora in _OTHER_VOICING and not grammatical:
        yield "voicing", [_OTHER_VOICING[mora]]
    if len(mora) == 2 and mora[1] in "ャュョ" and mora[0] not in "シチジ":
        yield "palatal_lost", [mora[0], {"ャ": "ヤ", "ュ": "ユ", "ョ": "ヨ"}[mora[1]]]
    if mora in _LEARNERS and not grammatical:
        yield "learner_consonant", [_LEARNERS[mora]]
    row = next((row for row in _ROWS if mora in row), "")
    if row and not grammatical:
        yield "vowel", [rng.choice([other for other in row if other not in (mora, " ")])]


def _is_long(morae: Sequence[str], at: int) -> bool:
    if morae[at] == "ー":
        return at > 0
    return at > 0 and morae[at] in _VOWELS and morae[at - 1][-1] in _VOWELS[morae[at]]
