"""AnalyzeText: takes a text apart."""

from __future__ import annotations

from server.content.domain.analysis import TextAnalysis
from server.content.domain.composing import compose, known_reading, said_by_entries, said_by_reading
from server.content.domain.pronunciation import preferred
from server.content.domain.spaces import visible_to
from server.content.domain.text import check_text
from server.content.ports import PartsAnalyser, UnitOfWorkFactory
from server.kernel.identity import Caller


class AnalyzeText:
    """Takes texts apart; entries of the pronunciation dictionary and known readings beat the analyser.

    Args:
        unit_of_work: opens a transaction.
        analyser: finds words and accent phrases.
    """

    def __init__(self, unit_of_work: UnitOfWorkFactory, analyser: PartsAnalyser) -> None:
        self._unit_of_work = unit_of_work
        self._analyser = analyser

    async def __call__(
        self, caller: Caller, text: str, *, reading: str = "", ignore_pronunciations: bool = False
    ) -> TextAnalysis:
        """The analysis of a text.

        Args:
            text: neither trimmed nor normalised.
            reading: of the whole text in kana, known to be right; left out of account where it can't be laid along it.
            ignore_pronunciations: leaves the dictionary's entries out, also the caller's own.

        Raises:
            InvalidInput: INVALID_FIELD for control characters.
            Unavailable: ANALYZER_UNAVAILABLE.
        """
        check_text(text, "text")
        parts = await self._analyser.take_apart(text)
        said = []
        if not ignore_pronunciations:
            async with self._unit_of_work() as uow:
                entries = await uow.pronunciations.within(text, visible_to(caller))
            said = said_by_entries(text, parts.words, preferred(entries))
        known = known_reading(text, check_text(reading, "reading"), parts.words)
        if known is not None:
            said = said_by_reading(text, known, parts.words, said)
        if said:
            parts = await self._analyser.take_apart(text, said)
        return compose(text, parts, known, self._analyser.version)
