"""A mutation that is sent twice is done once."""

import asyncio
import hashlib
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from server.adapters.postgres.unit_of_work import PostgresUnitOfWork
from server.errors import AlreadyExists, Reason
from server.kernel.identity import UserId
from tests.support.rows import add_user

Open = Callable[[], PostgresUnitOfWork]

NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)
METHOD = "/kaiwa.content.v1.ContentService/CreateSentence"
REQUEST = "01900000-0000-7000-8000-0000000000aa"
BODY = hashlib.sha256(b"body").digest()
OTHER_BODY = hashlib.sha256(b"other body").digest()


@pytest.fixture
async def user(unit_of_work: Open) -> UserId:
    async with unit_of_work() as uow:
        user_id = await add_user(uow.session)
        await uow.commit()
    return UserId(user_id)


async def answer(
    unit_of_work: Open, user: UserId, response: bytes, *, body: bytes = BODY, method: str = METHOD
) -> bytes:
    """Does what a use case does: claim, work, store, commit."""
    async with unit_of_work() as uow:
        first = await uow.idempotency.claim(user, method, REQUEST, body, NOW)
        if first is not None:
            return first
        await uow.idempotency.store(user, method, REQUEST, response)
        await uow.commit()
        return response


async def test_a_repeat_gets_the_first_answer(unit_of_work: Open, user: UserId) -> None:
    assert await answer(unit_of_work, user, b"first") == b"first"
    assert await answer(unit_of_work, user, b"second") == b"first"


async def test_an_empty_answer_is_an_answer(unit_of_work: Open, user: UserId) -> None:
    assert await answer(unit_of_work, user, b"") == b""
    assert await answer(unit_of_work, user, b"second") == b""


async def test_another_body_is_refused(unit_of_work: Open, user: UserId) -> None:
    await answer(unit_of_work, user, b"first")
    with pytest.raises(AlreadyExists) as caught:
        await answer(unit_of_work, user, b"second", body=OTHER_BODY)
    assert caught.value.reason is Reason.REQUEST_ID_REUSED
    assert caught.value.metadata == {"request_id": REQUEST}


async def test_ids_are_told_apart_by_method_and_user(unit_of_work: Open, user: UserId) -> None:
    async with unit_of_work() as uow:
        other = UserId(await add_user(uow.session, email="ken@example.org", username="ken"))
        await uow.commit()
    await answer(unit_of_work, user, b"first")
    assert await answer(unit_of_work, user, b"second", method="/other") == b"second"
    assert await answer(unit_of_work, other, b"third", body=OTHER_BODY) == b"third"


async def test_a_call_that_was_rolled_back_has_claimed_nothing(unit_of_work: Open, user: UserId) -> None:
    async with unit_of_work() as uow:
        await uow.idempotency.claim(user, METHOD, REQUEST, BODY, NOW)
    assert await answer(unit_of_work, user, b"second", body=OTHER_BODY) == b"second"


async def test_of_two_calls_at_once_one_works_and_both_get_its_answer(unit_of_work: Open, user: UserId) -> None:
    claimed, waiting = asyncio.Event(), asyncio.Event()

    async def first() -> bytes:
        async with unit_of_work() as uow:
            assert await uow.idempotency.claim(user, METHOD, REQUEST, BODY, NOW) is None
            claimed.set()
            await waiting.wait()
            await uow.idempotency.store(user, METHOD, REQUEST, b"first")
            await uow.commit()
        return b"first"

    async def second() -> bytes:
        await claimed.wait()
        waiting.set()
        return await answer(unit_of_work, user, b"second")

    one, other = await asyncio.gather(first(), second())
    assert (one, other) == (b"first", b"first")


async def test_a_claim_without_an_answer_is_not_committed(unit_of_work: Open, user: UserId) -> None:
    async with unit_of_work() as uow:
        await uow.idempotency.claim(user, METHOD, REQUEST, BODY, NOW)
        with pytest.raises(RuntimeError, match="claimed without an answer"):
            await uow.commit()
