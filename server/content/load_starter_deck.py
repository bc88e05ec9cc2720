"""Loads the starter deck as shared sentences. Not an RPC: the server does it when it starts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from server.content.domain.change import create
from server.content.domain.furigana import Word
from server.content.domain.sentence import Sentence, SentenceId, Source
from server.content.ports import TextAnalyser, UnitOfWorkFactory
from server.content.starter_deck import AUTHOR, Row, parse_deck
from server.errors import AlreadyExists
from server.kernel.clock import Clock, IdSource


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a load did.

    Attributes:
        added, changed: how many sentences are new, and how many the deck says something new about.
    """

    added: int
    changed: int


class LoadStarterDeck:
    """Brings the shared sentences up to date with the deck, in one transaction.

    A second load of the same deck changes nothing: not what teachers have changed, nor what they have deleted. A row
    that says something new replaces its sentence as a whole.

    Args:
        unit_of_work: opens a transaction.
        analyser: counts words.
        clock: tells the time.
        ids: makes ids.
        deck: the text of the deck.
    """

    def __init__(
        self, unit_of_work: UnitOfWorkFactory, analyser: TextAnalyser, clock: Clock, ids: IdSource, deck: str
    ) -> None:
        self._unit_of_work = unit_of_work
        self._analyser = analyser
        self._clock = clock
        self._ids = ids
        self._rows = parse_deck(deck)

    async def __call__(self) -> Loaded:
        """Loads the deck; safe to run in several processes at once.

        Raises:
            Unavailable: ANALYZER_UNAVAILABLE, DATABASE_UNAVAILABLE.
        """
        async with self._unit_of_work() as uow:
            stored = _by_key(await uow.sentences.find_shared_by_source_id(Source.CUSTOM))
        # Outside of the transaction that writes: the analyser takes its time.
        rows = [row for row in self._rows.values() if _says_something_new(row, stored.get(row.key))]
        words = {row.key: await self._analyser.words(row.draft.japanese) for row in rows}
        added = changed = 0
        async with self._unit_of_work() as uow:
            for row in rows:
                sentence = self._sentence(row, words[row.key])
                if (present := stored.get(row.key)) is not None:
                    changed += await uow.sentences.save(_renewed(present, sentence))
                    continue
                try:
                    await uow.sentences.add(sentence)
                    added += 1
                except AlreadyExists:
                    # Another process that starts at the same time was quicker.
                    continue
            await uow.commit()
        return Loaded(added, changed)

    def _sentence(self, row: Row, words: Sequence[Word]) -> Sentence:
        sentence_id = SentenceId(self._ids.new_id())
        return create(row.draft, words, sentence_id=sentence_id, owner_id=None, now=self._clock.now())


def _by_key(sentences: Sequence[Sentence]) -> Mapping[str, Sentence]:
    # Tombstones come first, so what is there goes before them.
    return {sentence.source_id: sentence for sentence in sentences}


def _says_something_new(row: Row, stored: Sentence | None) -> bool:
    if stored is None:
        return True
    ours = stored.author == AUTHOR and stored.english_source_id.startswith(f"{row.key}@")
    return ours and stored.deleted_at is None and stored.english_source_id != row.version


def _renewed(present: Sentence, new: Sentence) -> Sentence:
    return replace(
        new,
        id=present.id,
        recordings=present.recordings,
        synthesized=present.synthesized,
        active=present.active,
        created_at=present.created_at,
        revision=present.revision + 1,
    )
