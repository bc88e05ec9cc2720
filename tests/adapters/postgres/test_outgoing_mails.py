"""What accounts ask of where outgoing mails are stored, held against the fake and PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from server.accounts.domain.outgoing_mail import MailKind, OutgoingMail, OutgoingMailId
from server.accounts.ports import UnitOfWork, UnitOfWorkFactory
from server.adapters.postgres.unit_of_work import PostgresUnitOfWork
from tests.support.accounts import FakeDatabase, make_user
from tests.support.kernel import NOON

USER = make_user()
LEASE = timedelta(minutes=3)


def mail(number: int, **changes: object) -> OutgoingMail:
    made = OutgoingMail(
        id=OutgoingMailId(f"0198c0de-0000-7000-a000-0000000000{number:02x}"),
        kind=MailKind.VERIFICATION,
        address=f"{number}@example.com",
        created_at=NOON,
        due_at=NOON + timedelta(seconds=number),
        user_id=USER.id,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


REQUESTED = mail(
    9,
    kind=MailKind.PASSWORD_RESET,
    user_id=None,
    request_id="7d0c7b5e-0000-4000-8000-000000000001",
    body_hash=b"1" * 32,
)


@pytest.fixture(params=["memory", "postgres"])
def transaction(request: pytest.FixtureRequest) -> UnitOfWorkFactory:
    if request.param == "memory":
        return FakeDatabase()
    postgres: UnitOfWorkFactory = request.getfixturevalue("unit_of_work")
    return postgres


async def store(transaction: UnitOfWorkFactory, *mails: OutgoingMail) -> None:
    async with transaction() as uow:
        if await uow.users.get(USER.id) is None:
            await uow.users.add(USER, "new$correct horse")
        for each in mails:
            await uow.outgoing_mails.add(each)
        await uow.commit()


async def left(uow: UnitOfWork, *mails: OutgoingMail) -> list[OutgoingMail]:
    return [each for each in mails if await uow.outgoing_mails.waits(each.id)]


async def test_mails_are_taken_in_the_order_in_which_they_are_due(transaction: UnitOfWorkFactory) -> None:
    now = NOON + timedelta(seconds=9)
    await store(transaction, mail(2), REQUESTED, mail(1), mail(10))

    async with transaction() as uow:
        taken = [await uow.outgoing_mails.take(now, now + LEASE) for _ in range(4)]
        await uow.commit()

    assert taken == [
        *(replace(each, due_at=now + LEASE, attempts=1) for each in (mail(1), mail(2), REQUESTED)),
        None,
    ]


async def test_what_was_taken_is_taken_again_after_its_lease_unless_it_is_put_off_or_deleted(
    transaction: UnitOfWorkFactory,
) -> None:
    now = NOON + timedelta(seconds=3)
    await store(transaction, mail(1), mail(2), mail(3))
    async with transaction() as uow:
        for _ in range(3):
            await uow.outgoing_mails.take(now, now + LEASE)
        await uow.outgoing_mails.delete(mail(2).id)
        await uow.outgoing_mails.delete(mail(2).id)
        await uow.outgoing_mails.put_off(mail(3).id, now + 2 * LEASE)
        await uow.commit()

    async with transaction() as uow:
        again = [await uow.outgoing_mails.take(now + LEASE, now + 3 * LEASE) for _ in range(2)]
        assert [None if each is None else (each.id, each.attempts) for each in again] == [(mail(1).id, 2), None]
        assert await left(uow, mail(1), mail(2), mail(3)) == [mail(1), mail(3)]


async def test_a_users_mails_of_a_kind_are_voided_but_for_one_address(transaction: UnitOfWorkFactory) -> None:
    other = mail(3, kind=MailKind.ADDRESS_CHANGED)
    await store(transaction, mail(1), mail(2), other, REQUESTED)

    async with transaction() as uow:
        await uow.outgoing_mails.void(USER.id, MailKind.VERIFICATION, sparing="2@example.com")
        assert await left(uow, mail(1), mail(2), other, REQUESTED) == [mail(2), other, REQUESTED]
        await uow.outgoing_mails.void(USER.id, MailKind.VERIFICATION)
        assert await left(uow, mail(2), other, REQUESTED) == [other, REQUESTED]


async def test_mails_to_addresses_are_forgotten_whosever_they_are(transaction: UnitOfWorkFactory) -> None:
    await store(transaction, mail(1, address="Mika@Example.com"), mail(2), REQUESTED)

    async with transaction() as uow:
        await uow.outgoing_mails.forget_addresses({"mika@example.COM", REQUESTED.address})
        await uow.outgoing_mails.forget_addresses(set())
        assert await left(uow, mail(1), mail(2), REQUESTED) == [mail(2)]


async def test_of_many_who_take_at_once_each_gets_another(unit_of_work: Callable[[], PostgresUnitOfWork]) -> None:
    mails = [mail(number) for number in range(1, 9)]
    await store(unit_of_work, *mails)
    now, all_have_one = NOON + timedelta(minutes=1), asyncio.Barrier(len(mails))

    async def take() -> str:
        async with unit_of_work() as uow:
            taken = await uow.outgoing_mails.take(now, now + LEASE)
            # Nobody lets go of theirs before all have one.
            await all_have_one.wait()
            await uow.commit()
        assert taken is not None
        return taken.id

    assert sorted(await asyncio.gather(*(take() for _ in mails))) == [each.id for each in mails]


async def test_they_go_with_the_account(unit_of_work: Callable[[], PostgresUnitOfWork]) -> None:
    await store(unit_of_work, mail(1), REQUESTED)
    async with unit_of_work() as uow:
        await uow.users.delete(USER.id)
        assert await left(uow, mail(1), REQUESTED) == [REQUESTED]
