"""Entries of the pronunciation dictionary."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NewType

from server.content.domain.kana import to_katakana
from server.content.domain.morae import is_row_of_morae, split_morae
from server.content.domain.sentence import Visibility
from server.content.domain.spaces import Spaces
from server.content.domain.text import clean_text
from server.errors import Aborted, InvalidInput, NotFound, Reason
from server.kernel.identity import UserId

PronunciationId = NewType("PronunciationId", str)


@dataclass(frozen=True, slots=True)
class Pronunciation:
    """How a word is read and accented, for everyone or for one user.

    Attributes:
        word: as it is written.
        reading: katakana, as it is said.
        accents: most usual first: the mora after which the pitch falls, from 1; 0: none.
        owner_id: whom it serves; None: everyone.
        revision: counts changes, from 1.
    """

    id: PronunciationId
    word: str
    reading: str
    accents: tuple[int, ...]
    owner_id: UserId | None
    note: str
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None = None
    revision: int = 1

    @property
    def visibility(self) -> Visibility:
        """Who may see it."""
        return Visibility.SHARED if self.owner_id is None else Visibility.PRIVATE

    @property
    def etag(self) -> str:
        """Names this state of the entry."""
        return f"r{self.revision}"


@dataclass(frozen=True, slots=True)
class PronunciationDraft:
    """An entry to be set, as it was sent."""

    word: str
    reading: str
    accents: tuple[int, ...]
    visibility: Visibility
    note: str = ""


@dataclass(frozen=True, slots=True)
class PronunciationFilter:
    """The filters of a list; all that are given have to hold.

    Attributes:
        prefix: what the word or its reading begins with, whichever kana it is in; empty: anything.
        words: exactly these; empty: all.
    """

    spaces: Spaces
    prefix: str = ""
    words: tuple[str, ...] = ()


def checked(draft: PronunciationDraft) -> PronunciationDraft:
    """The draft as it is kept: the reading in katakana, without white space around the word.

    Raises:
        InvalidInput: INVALID_FIELD when the word is blank or has control characters or the reading no mora;
            ACCENT_OUT_OF_RANGE for an accent beyond the reading's last mora.
    """
    word = clean_text(draft.word, "word")
    if not word:
        raise InvalidInput("word", "is blank")
    reading = to_katakana(draft.reading)
    morae = split_morae(reading)
    if not morae or not is_row_of_morae(reading):
        raise InvalidInput("reading", "is not a row of morae; a small kana or ー needs one before it")
    for index, accent in enumerate(draft.accents):
        if accent > len(morae):
            raise InvalidInput(
                f"accepted_accents[{index}]",
                f"is beyond the last of {len(morae)} morae",
                reason=Reason.ACCENT_OUT_OF_RANGE,
                metadata={"accent": str(accent), "mora_count": str(len(morae))},
            )
    return PronunciationDraft(word, reading, draft.accents, draft.visibility, clean_text(draft.note, "note"))


def pronunciation_not_found(pronunciation_id: PronunciationId) -> NotFound:
    """What a caller is told who names an entry that is not there, or not for them."""
    return NotFound(
        Reason.PRONUNCIATION_NOT_FOUND,
        f"There is no entry {pronunciation_id} that you may see.",
        metadata={"pronunciation_id": pronunciation_id},
    )


def entry_changed_meanwhile(pronunciation_id: PronunciationId) -> Aborted:
    """What a caller is told whose etag is not the current one, or who lost too many races."""
    return Aborted(
        Reason.CONCURRENT_CHANGE,
        f"The entry {pronunciation_id} was changed meanwhile; nothing was changed. Read it again.",
        metadata={"pronunciation_id": pronunciation_id},
    )


def preferred(entries: Sequence[Pronunciation]) -> list[Pronunciation]:
    """One entry for each word, of those that serve a user: their own before a shared one, then the one set last."""
    best: dict[str, Pronunciation] = {}
    for entry in sorted(entries, key=lambda each: (each.owner_id is not None, each.updated_at, each.id)):
        best[entry.word] = entry
    return list(best.values())
