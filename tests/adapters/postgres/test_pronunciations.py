"""What content asks of where pronunciations are stored, held against the fake and PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from server.adapters.postgres.unit_of_work import PostgresUnitOfWork
from server.content.domain.pronunciation import Pronunciation, PronunciationFilter, PronunciationId
from server.content.domain.spaces import Spaces
from server.content.ports import UnitOfWorkFactory
from server.kernel.identity import UserId
from server.kernel.paging import PageRequest
from tests.support.accounts import make_user
from tests.support.content import KEN, MIKA, FakeDatabase
from tests.support.kernel import NOON

SEEN = Spaces(shared=True, owner_id=MIKA)


def entry(number: int, word: str, reading: str, owner_id: UserId | None = None) -> Pronunciation:
    entry_id = PronunciationId(f"0198c0de-0000-7000-b000-{number:012x}")
    return Pronunciation(entry_id, word, reading, (2, 0), owner_id, "", NOON, NOON)


@pytest.fixture(params=["memory", "postgres"])
def database(request: pytest.FixtureRequest) -> FakeDatabase | Callable[[], PostgresUnitOfWork]:
    if request.param == "memory":
        return FakeDatabase()
    postgres: Callable[[], PostgresUnitOfWork] = request.getfixturevalue("unit_of_work")
    return postgres


@pytest.fixture
async def transaction(database: FakeDatabase | Callable[[], PostgresUnitOfWork]) -> UnitOfWorkFactory:
    """A database that has the owners of entries."""
    if isinstance(database, FakeDatabase):
        return database
    async with database() as uow:
        await uow.users.add(make_user(MIKA), "hash")
        await uow.users.add(make_user(KEN, email="ken@example.com", username="ken"), "hash")
        await uow.commit()
    return database


async def store(transaction: UnitOfWorkFactory, *entries: Pronunciation) -> None:
    async with transaction() as uow:
        for each in entries:
            assert await uow.pronunciations.add(each, MIKA)
        await uow.commit()


async def test_an_entry_comes_back_as_it_was_stored_and_changed(transaction: UnitOfWorkFactory) -> None:
    stored = entry(1, "橋", "ハシ", MIKA)
    await store(transaction, stored)
    changed = replace(stored, accents=(0,), note="n", revision=2)
    async with transaction() as uow:
        assert await uow.pronunciations.get(stored.id, SEEN) == stored
        assert await uow.pronunciations.get(stored.id, Spaces(True, KEN)) is None
        assert await uow.pronunciations.save(changed, MIKA)
        assert not await uow.pronunciations.save(changed, MIKA)
        assert await uow.pronunciations.find_one("橋", "ハシ", MIKA) == changed
        assert await uow.pronunciations.find_one("橋", "ハシ", None) is None
        assert not await uow.pronunciations.add(entry(2, "橋", "ハシ", MIKA), MIKA)


async def test_entries_within_a_text(transaction: UnitOfWorkFactory) -> None:
    await store(
        transaction,
        entry(1, "橋", "ハシ"),
        entry(2, "橋", "ハシ", KEN),
        entry(3, "箸", "ハシ", MIKA),
        entry(4, "100%", "ヒャクパー", MIKA),
    )
    async with transaction() as uow:
        found = await uow.pronunciations.within("橋を100%渡る", SEEN)

    assert {each.id[-1] for each in found} == {"1", "4"}


async def test_pages(transaction: UnitOfWorkFactory) -> None:
    await store(transaction, *(entry(number, word, "ハシ") for number, word in enumerate("橋箸端走")))
    words: list[str] = []
    page = PageRequest(3, None)
    async with transaction() as uow:
        first = await uow.pronunciations.find(PronunciationFilter(SEEN, prefix="は"), page)
        rest = await uow.pronunciations.find(PronunciationFilter(SEEN, prefix="は"), PageRequest(3, first.next))
        words += [each.word for each in (*first.items, *rest.items)]
        none = await uow.pronunciations.find(PronunciationFilter(SEEN, prefix="%"), page)

    assert len(first.items) == 3
    assert words == sorted("橋箸端走")
    assert none.items == ()
