"""ListPronunciations pages through what the caller may see."""

from __future__ import annotations

from server.content.domain.pronunciation import PronunciationDraft, PronunciationFilter
from server.content.domain.sentence import Visibility
from server.content.domain.spaces import Scope, visible_to
from server.kernel.paging import PageRequest
from tests.support.content import OTHER_STUDENT, STUDENT, TEACHER, Content


async def test_entries_are_listed_by_word_and_reading_page_by_page(content: Content) -> None:
    for word, reading in (("橋", "ハシ"), ("日本", "ニホン"), ("日本", "ニッポン")):
        await content.set_pronunciation(STUDENT, PronunciationDraft(word, reading, (0,), Visibility.PRIVATE))
    wanted = PronunciationFilter(visible_to(STUDENT))

    first = await content.list_pronunciations(wanted, PageRequest(2, None))
    rest = await content.list_pronunciations(wanted, PageRequest(2, first.next))

    assert [(each.word, each.reading) for each in (*first.items, *rest.items)] == [
        ("日本", "ニッポン"),
        ("日本", "ニホン"),
        ("橋", "ハシ"),
    ]
    assert rest.next is None


async def test_spaces_prefixes_and_words_filter(content: Content) -> None:
    await content.set_pronunciation(STUDENT, PronunciationDraft("日本", "ニホン", (2,), Visibility.PRIVATE))
    await content.set_pronunciation(OTHER_STUDENT, PronunciationDraft("日本", "ニホン", (2,), Visibility.PRIVATE))
    await content.set_pronunciation(TEACHER, PronunciationDraft("日光", "ニッコー", (1,), Visibility.SHARED))

    async def found(wanted: PronunciationFilter) -> list[str]:
        page = await content.list_pronunciations(wanted, PageRequest(50, None))
        return [entry.word for entry in page.items]

    assert await found(PronunciationFilter(visible_to(STUDENT))) == ["日光", "日本"]
    assert await found(PronunciationFilter(visible_to(STUDENT, Scope.MINE))) == ["日本"]
    assert await found(PronunciationFilter(visible_to(STUDENT), prefix="にほ")) == ["日本"]
    assert await found(PronunciationFilter(visible_to(STUDENT), prefix="日")) == ["日光", "日本"]
    assert await found(PronunciationFilter(visible_to(STUDENT), words=("日光", "月"))) == ["日光"]
