"""Which JLPT level a text seems to need, by unofficial word lists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from server.content.domain.furigana import Word
from server.content.domain.lexicon import jlpt_level
from server.content.domain.sentence import JlptLevel


@dataclass(frozen=True, slots=True)
class JlptEstimate:
    """An unofficial estimate.

    Attributes:
        level: of the hardest word that is in the lists.
        deciding_words: the words of that level, as a dictionary lists them.
        unlisted_word_count: words in no list, which were left out.
    """

    level: JlptLevel
    deciding_words: tuple[str, ...]
    unlisted_word_count: int


def estimate_jlpt(words: Sequence[Word]) -> JlptEstimate | None:
    """The level of the hardest listed word of a text; None: no word is in the lists.

    Only words that are learned as words count: particles, auxiliaries, names and numbers don't.
    """
    learned = dict.fromkeys(word.lemma for word in words if word.lemma and word.part_of_speech.has_content)
    levels = {lemma: level for lemma in learned if (level := jlpt_level(lemma)) is not None}
    if not levels:
        return None
    hardest = min(levels.values())
    deciding = tuple(lemma for lemma, level in levels.items() if level == hardest)
    return JlptEstimate(hardest, deciding, len(learned) - len(levels))
