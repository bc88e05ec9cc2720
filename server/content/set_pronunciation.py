"""SetPronunciation: says how a word is read and accented."""

from __future__ import annotations

from dataclasses import replace

from server.content.domain.pronunciation import (
    Pronunciation,
    PronunciationDraft,
    PronunciationId,
    checked,
    entry_changed_meanwhile,
)
from server.content.domain.spaces import owner_in
from server.content.ports import UnitOfWorkFactory
from server.kernel.clock import Clock, IdSource
from server.kernel.identity import Caller

_TRIES = 4


class SetPronunciation:
    """Adds an entry, or replaces the one with the same word and reading in the same space.

    Args:
        unit_of_work: opens a transaction.
        clock: tells the time.
        ids: makes ids.
    """

    def __init__(self, unit_of_work: UnitOfWorkFactory, clock: Clock, ids: IdSource) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock
        self._ids = ids

    async def __call__(self, caller: Caller, draft: PronunciationDraft, etag: str = "") -> Pronunciation:
        """Sets the entry; one that says the same already stays as it is.

        Args:
            etag: the state that may be replaced; empty: whatever there is, or nothing.

        Raises:
            PermissionDenied: SHARED_CONTENT_NEEDS_TEACHER.
            InvalidInput: INVALID_FIELD, ACCENT_OUT_OF_RANGE.
            Aborted: CONCURRENT_CHANGE.
        """
        draft = checked(draft)
        owner_id = owner_in(draft.visibility, caller)
        entry_id = PronunciationId(self._ids.new_id())
        for _ in range(_TRIES):
            async with self._unit_of_work() as uow:
                current = await uow.pronunciations.find_one(draft.word, draft.reading, owner_id)
                if etag and (current is None or etag != current.etag):
                    break
                now = self._clock.now()
                if current is None:
                    new = Pronunciation(
                        entry_id, draft.word, draft.reading, draft.accents, owner_id, draft.note, now, now
                    )
                    stored = await uow.pronunciations.add(new, caller.user_id)
                elif (current.accents, current.note) == (draft.accents, draft.note):
                    return current
                else:
                    new = replace(
                        current,
                        accents=draft.accents,
                        note=draft.note,
                        updated_at=now,
                        revision=current.revision + 1,
                    )
                    stored = await uow.pronunciations.save(new, caller.user_id)
                if stored:
                    await uow.commit()
                    return new
        raise entry_changed_meanwhile(entry_id)
