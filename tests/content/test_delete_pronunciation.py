"""DeletePronunciation takes entries away, for those who may set them."""

from __future__ import annotations

import pytest

from server.content.domain.pronunciation import PronunciationDraft, PronunciationId
from server.content.domain.sentence import Visibility
from server.errors import Aborted, NotFound, PermissionDenied, Reason
from tests.support.content import OTHER_STUDENT, STUDENT, TEACHER, Content

OWN = PronunciationDraft("東京", "トーキョー", (0,), Visibility.PRIVATE)
SHARED = PronunciationDraft("東京", "トーキョー", (0,), Visibility.SHARED)


async def test_a_deleted_entry_serves_no_more_and_can_be_set_again(content: Content) -> None:
    entry = await content.set_pronunciation(STUDENT, OWN)

    await content.delete_pronunciation(STUDENT, entry.id, entry.etag)
    await content.delete_pronunciation(STUDENT, entry.id, "whatever")

    assert content.state.pronunciations[entry.id].deleted_at == content.clock.now()
    again = await content.set_pronunciation(STUDENT, OWN)
    assert again.id != entry.id


async def test_a_stale_etag_deletes_nothing(content: Content) -> None:
    entry = await content.set_pronunciation(STUDENT, OWN)

    with pytest.raises(Aborted) as refused:
        await content.delete_pronunciation(STUDENT, entry.id, "r2")

    assert refused.value.reason is Reason.CONCURRENT_CHANGE
    assert content.state.pronunciations[entry.id].deleted_at is None


async def test_nobody_elses_entry_is_there(content: Content) -> None:
    entry = await content.set_pronunciation(STUDENT, OWN)
    for missing in (entry.id, PronunciationId("0198c0de-0000-7000-a000-0000000000ff")):
        with pytest.raises(NotFound) as refused:
            await content.delete_pronunciation(OTHER_STUDENT, missing)
        assert refused.value.reason is Reason.PRONUNCIATION_NOT_FOUND


async def test_shared_entries_need_a_teacher(content: Content) -> None:
    entry = await content.set_pronunciation(TEACHER, SHARED)

    with pytest.raises(PermissionDenied):
        await content.delete_pronunciation(STUDENT, entry.id)
    await content.delete_pronunciation(TEACHER, entry.id)
