"""UpdateSentence: changes the named fields of a sentence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from server.content.domain.change import Change, apply, needs_analysis, text_after
from server.content.domain.furigana import Word
from server.content.domain.sentence import AudioId, Sentence, SentenceId
from server.content.domain.spaces import (
    changed_meanwhile,
    check_may_change,
    visible_to,
)
from server.content.ports import TextAnalyser, UnitOfWorkFactory
from server.errors import InvalidInput, NotFound, Reason
from server.kernel.clock import Clock
from server.kernel.identity import Caller

_TRIES = 4


class UpdateSentence:
    """Changes a sentence.

    Args:
        unit_of_work: opens a transaction.
        analyser: finds words and readings.
        clock: tells the time.
    """

    def __init__(self, unit_of_work: UnitOfWorkFactory, analyser: TextAnalyser, clock: Clock) -> None:
        self._unit_of_work = unit_of_work
        self._analyser = analyser
        self._clock = clock

    async def __call__(self, caller: Caller, sentence_id: SentenceId, change: Change, etag: str = "") -> Sentence:
        """Makes the change. One that changes nothing leaves the sentence as it is.

        Args:
            etag: the state that may be changed; empty: whatever there is.

        Raises:
            NotFound: SENTENCE_NOT_FOUND, RECORDING_NOT_FOUND.
            PermissionDenied: SHARED_CONTENT_NEEDS_TEACHER.
            InvalidInput: TEXT_NOT_JAPANESE, SPAN_MISFIT, INVALID_FIELD.
            Aborted: CONCURRENT_CHANGE.
            Unavailable: ANALYZER_UNAVAILABLE.
        """
        for _ in range(_TRIES):
            current = await self._read(caller, sentence_id)
            if etag and etag != current.etag:
                break
            # Outside of any transaction: the analyser takes its time.
            words: Sequence[Word] = ()
            if needs_analysis(change):
                words = await self._analyser.words(text_after(current, change))
            if (changed := await self._change(current, change, words)) is not None:
                return changed
        raise changed_meanwhile(sentence_id)

    async def _read(self, caller: Caller, sentence_id: SentenceId) -> Sentence:
        async with self._unit_of_work() as uow:
            found = await uow.sentences.get(sentence_id, visible_to(caller))
        return check_may_change(found, sentence_id, caller)

    async def _change(self, current: Sentence, change: Change, words: Sequence[Word]) -> Sentence | None:
        """The sentence after the change; None if it is not the `current` one any more."""
        order = _recordings_after(current, change)
        kept = {recording.id: recording for recording in current.recordings}
        changed = replace(apply(current, change, words), recordings=tuple(kept[kept_id] for kept_id in order))
        if changed == current:
            return current
        changed = replace(changed, updated_at=self._clock.now(), revision=current.revision + 1)
        async with self._unit_of_work() as uow:
            if not await uow.sentences.save(changed):
                return None
            if order != _ids(current):
                await uow.sentences.arrange_recordings(current.id, order)
            await uow.commit()
        return changed


def _ids(sentence: Sentence) -> tuple[AudioId, ...]:
    return tuple(recording.id for recording in sentence.recordings)


def _recordings_after(current: Sentence, change: Change) -> tuple[AudioId, ...]:
    present = _ids(current)
    if "recordings" not in change.fields:
        return present
    for index, recording_id in enumerate(change.recording_ids):
        if recording_id not in present:
            raise NotFound(
                Reason.RECORDING_NOT_FOUND,
                f"The sentence has no recording {recording_id}.",
                metadata={"sentence_id": current.id, "audio_id": recording_id},
            )
        if recording_id in change.recording_ids[:index]:
            raise InvalidInput(f"{change.path}recordings[{index}]", "stands there twice")
    return change.recording_ids
