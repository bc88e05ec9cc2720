"""SetPronunciation adds entries and replaces them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from server.content.domain.pronunciation import PronunciationDraft
from server.content.domain.sentence import Visibility
from server.errors import Aborted, InvalidInput, PermissionDenied, Reason
from tests.support.content import MIKA, STUDENT, TEACHER, Content

OWN = PronunciationDraft("東京", "とうきょう", (0,), Visibility.PRIVATE, " 首都 ")
SHARED = replace(OWN, visibility=Visibility.SHARED)


async def test_an_entry_is_kept_in_katakana(content: Content) -> None:
    entry = await content.set_pronunciation(STUDENT, OWN)

    assert (entry.word, entry.reading, entry.accents, entry.note) == ("東京", "トウキョウ", (0,), "首都")
    assert (entry.owner_id, entry.revision) == (MIKA, 1)
    assert content.state.pronunciations == {entry.id: entry}


async def test_the_same_word_and_reading_is_replaced(content: Content) -> None:
    first = await content.set_pronunciation(STUDENT, OWN)
    content.clock.advance(timedelta(hours=1))

    second = await content.set_pronunciation(STUDENT, replace(OWN, accents=(1, 0)), first.etag)

    assert second == replace(first, accents=(1, 0), updated_at=content.clock.now(), revision=2)
    assert await content.set_pronunciation(STUDENT, replace(OWN, accents=(1, 0))) == second


async def test_spaces_and_readings_are_apart(content: Content) -> None:
    await content.set_pronunciation(STUDENT, OWN)
    await content.set_pronunciation(TEACHER, SHARED)
    await content.set_pronunciation(STUDENT, replace(OWN, reading="トーキョー"))

    assert len(content.state.pronunciations) == 3


async def test_shared_entries_need_a_teacher(content: Content) -> None:
    with pytest.raises(PermissionDenied) as refused:
        await content.set_pronunciation(STUDENT, SHARED)

    assert refused.value.reason is Reason.SHARED_CONTENT_NEEDS_TEACHER


async def test_an_accent_beyond_the_reading_is_refused(content: Content) -> None:
    await content.set_pronunciation(STUDENT, replace(OWN, accents=(4,)))
    with pytest.raises(InvalidInput) as refused:
        await content.set_pronunciation(STUDENT, replace(OWN, accents=(0, 5)))

    assert refused.value.reason is Reason.ACCENT_OUT_OF_RANGE
    assert refused.value.metadata == {"field": "accepted_accents[1]", "accent": "5", "mora_count": "4"}


@pytest.mark.parametrize("changed", [{"word": "　"}, {"word": "東\x07京"}, {"reading": "ー"}, {"reading": "ャア"}])
async def test_what_is_no_word_or_reading_is_refused(content: Content, changed: dict[str, str]) -> None:
    with pytest.raises(InvalidInput) as refused:
        await content.set_pronunciation(STUDENT, replace(OWN, **changed))  # type: ignore[arg-type]

    assert refused.value.metadata["field"] == next(iter(changed))


async def test_a_stale_etag_changes_nothing(content: Content) -> None:
    await content.set_pronunciation(STUDENT, OWN)
    with pytest.raises(Aborted) as refused:
        await content.set_pronunciation(STUDENT, replace(OWN, accents=(1,)), "r7")

    assert refused.value.reason is Reason.CONCURRENT_CHANGE
    with pytest.raises(Aborted):
        await content.set_pronunciation(STUDENT, replace(OWN, word="京都"), "r1")
