"""Which sentences a list holds, and in which order."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from server.content.domain.sentence import AudioOrigin, JlptLevel, Source
from server.content.domain.spaces import Spaces


class Order(StrEnum):
    """The order of a list; equals are ordered by id."""

    RELEVANCE = "relevance"
    """The best match first, see `Selection`."""
    NEWEST = "newest"
    OLDEST = "oldest"
    LAST_UPDATED = "last_updated"
    EASIEST = "easiest"
    """Those without a difficulty last."""
    HARDEST = "hardest"
    """Those without a difficulty last."""
    SHORTEST = "shortest"


@dataclass(frozen=True, slots=True)
class Selection:
    """The filters of a list; all that are given have to hold.

    Attributes:
        spaces: where to look.
        terms: pieces of text, each found in the Japanese, the reading or one of the English translations, without
            regard to case, width, or which kana it is in; in Japanese also what they are in Latin letters, see
            `kana_pattern`. The best match is a sentence that is exactly the terms with spaces between; then come
            sentences whose Japanese has every term, then those whose reading or English has, then the others; the
            shorter before the longer.
        min_difficulty, max_difficulty: inclusive bounds; None: unbounded. A sentence without a difficulty passes
            neither.
        jlpt_levels, sources: any of these; empty: all.
        tags: all of these.
        has_audio: None: no matter.
        audio_origin: a kind of audio that there has to be; None: no matter.
        active: None: no matter.
        deleted: tombstones instead of what is there.
    """

    spaces: Spaces
    terms: tuple[str, ...] = ()
    min_difficulty: int | None = None
    max_difficulty: int | None = None
    jlpt_levels: frozenset[JlptLevel] = frozenset()
    sources: frozenset[Source] = frozenset()
    tags: tuple[str, ...] = ()
    has_audio: bool | None = None
    audio_origin: AudioOrigin | None = None
    active: bool | None = None
    deleted: bool = False


def order_of(asked: Order | None, terms: tuple[str, ...]) -> Order:
    """The order to list in: the best match first when terms are given, the newest first when not, unless asked."""
    if asked is None or asked is Order.RELEVANCE:
        return Order.RELEVANCE if terms else Order.NEWEST
    return asked
