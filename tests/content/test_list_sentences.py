"""ListSentences pages through what passes the filters: each sentence once, whatever the page size."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.content.domain.selection import Order, Selection
from server.content.domain.sentence import Sentence, SentenceId
from server.content.domain.spaces import Scope, changeable_by, visible_to
from server.kernel.identity import Caller
from server.kernel.paging import PageRequest
from tests.support.content import ADMIN, KEN, MIKA, STUDENT, TEACHER, Content, make_sentence, seen_by
from tests.support.kernel import NOON


def ids(sentences: list[Sentence] | tuple[Sentence, ...]) -> list[SentenceId]:
    return [sentence.id for sentence in sentences]


@pytest.fixture
def spread(content: Content) -> Content:
    """Four sentences: two shared, one of them deleted; one of Mika's; one of Ken's."""
    content.store(
        make_sentence(1),
        replace(make_sentence(2), deleted_at=NOON),
        make_sentence(3, owner_id=MIKA),
        make_sentence(4, owner_id=KEN),
        replace(make_sentence(5, owner_id=MIKA), deleted_at=NOON),
    )
    return content


@pytest.mark.parametrize(
    ("who", "scope", "numbers"),
    [
        (STUDENT, Scope.ALL, [1, 3]),
        (STUDENT, Scope.SHARED, [1]),
        (STUDENT, Scope.MINE, [3]),
        (TEACHER, Scope.ALL, [1]),
        (ADMIN, Scope.MINE, []),
    ],
)
async def test_a_scope_reaches_no_further_than_the_caller_sees(
    spread: Content, who: Caller, scope: Scope, numbers: list[int]
) -> None:
    page = await spread.list_sentences(Selection(visible_to(who, scope)), None, PageRequest())

    assert ids(page.items) == [make_sentence(number).id for number in numbers]


@pytest.mark.parametrize(
    ("who", "scope", "numbers"),
    [(STUDENT, Scope.ALL, [5]), (STUDENT, Scope.SHARED, []), (TEACHER, Scope.ALL, [2]), (TEACHER, Scope.MINE, [])],
)
async def test_tombstones_are_listed_for_those_who_may_undelete(
    spread: Content, who: Caller, scope: Scope, numbers: list[int]
) -> None:
    selection = Selection(changeable_by(who, scope), deleted=True)
    page = await spread.list_sentences(selection, None, PageRequest())

    assert ids(page.items) == [make_sentence(number).id for number in numbers]


async def test_the_newest_come_first_unless_words_are_looked_for(content: Content) -> None:
    old = make_sentence(1, japanese="学生")
    new = replace(make_sentence(2, japanese="私は学生です。"), created_at=NOON + timedelta(days=1))
    content.store(old, new)
    everything, matching = Selection(seen_by(STUDENT)), Selection(seen_by(STUDENT), terms=("学生",))

    for order in (None, Order.RELEVANCE):
        assert (await content.list_sentences(everything, order, PageRequest())).items == (new, old)
        assert (await content.list_sentences(matching, order, PageRequest())).items == (old, new)
    assert (await content.list_sentences(matching, Order.NEWEST, PageRequest())).items == (new, old)


SENTENCES = st.lists(
    st.builds(
        lambda minutes, difficulty, text, own: replace(
            make_sentence(japanese=text, owner_id=MIKA if own else None),
            created_at=NOON + timedelta(minutes=minutes),
            updated_at=NOON + timedelta(minutes=2 * minutes % 5),
            difficulty=difficulty,
        ),
        st.integers(0, 4),
        st.none() | st.integers(1, 10),
        st.sampled_from(["学生", "私は学生です。", "はい"]),
        st.booleans(),
    ),
    max_size=25,
).map(lambda found: [replace(row, id=make_sentence(number).id) for number, row in enumerate(found, 1)])


@given(SENTENCES, SENTENCES, st.sampled_from([None, *Order]), st.integers(1, 7), st.booleans())
async def test_every_sentence_comes_once_also_when_others_are_added_meanwhile(
    first: list[Sentence], later: list[Sentence], order: Order | None, size: int, search: bool
) -> None:
    content = Content()
    content.store(*first)
    selection = Selection(seen_by(STUDENT), terms=("学生",) if search else ())
    expected = ids((await content.list_sentences(selection, order, PageRequest(200))).items)
    added = [replace(row, id=SentenceId(row.id.replace("-a000-", "-b000-"))) for row in later]

    seen: list[SentenceId] = []
    page = await content.list_sentences(selection, order, PageRequest(size))
    while True:
        assert len(page.items) == size or page.next is None
        seen += ids(page.items)
        content.store(*added[:3])
        added = added[3:]
        if page.next is None:
            break
        page = await content.list_sentences(selection, order, PageRequest(size, page.next))

    assert len(set(seen)) == len(seen)
    assert [each for each in seen if "-a000-" in each] == expected
