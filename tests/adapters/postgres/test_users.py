"""What accounts ask of where users are stored, held against the fake and PostgreSQL."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from server.accounts.domain.administration import UserFilter
from server.accounts.domain.user import Credentials, User
from server.accounts.ports import UnitOfWorkFactory
from server.accounts.update_user import UpdateUser, UserChange
from server.errors import AlreadyExists, ApplicationError, Reason
from server.kernel.identity import Caller, Role, SessionId, UserId
from server.kernel.paging import PageRequest
from tests.support.accounts import FakeDatabase, make_user
from tests.support.kernel import NOON, CountingIds, FixedClock

USER = make_user(email="Mika@example.com", username="Mika")
OTHER = make_user("0198c0de-0000-7000-9000-000000000002", email="other@example.com", username="other")


@pytest.fixture(params=["memory", "postgres"])
def transaction(request: pytest.FixtureRequest) -> UnitOfWorkFactory:
    if request.param == "memory":
        return FakeDatabase()
    postgres: UnitOfWorkFactory = request.getfixturevalue("unit_of_work")
    return postgres


@pytest.fixture
async def stored(transaction: UnitOfWorkFactory) -> UnitOfWorkFactory:
    """A database that has `USER` and `OTHER`."""
    async with transaction() as uow:
        await uow.users.add(USER, "hash 1")
        await uow.users.add(OTHER, "hash 2")
        await uow.commit()
    return transaction


async def test_a_user_comes_back_as_it_was_stored(stored: UnitOfWorkFactory) -> None:
    async with stored() as uow:
        assert await uow.users.get(USER.id) == USER
        assert await uow.users.lock(USER.id) == Credentials(USER, "hash 1")


async def test_what_is_not_committed_is_not_there(transaction: UnitOfWorkFactory) -> None:
    async with transaction() as uow:
        await uow.users.add(USER, "hash")

    async with transaction() as uow:
        assert await uow.users.get(USER.id) is None


async def test_names_are_found_without_regard_to_case(stored: UnitOfWorkFactory) -> None:
    async with stored() as uow:
        assert await uow.users.find_by_email("mika@example.com") == Credentials(USER, "hash 1")
        assert await uow.users.find_by_username("mika") == Credentials(USER, "hash 1")


async def test_a_name_of_the_other_kind_is_not_found(stored: UnitOfWorkFactory) -> None:
    async with stored() as uow:
        assert await uow.users.find_by_email("mika") is None
        assert await uow.users.find_by_username("mika@example.com") is None
        assert await uow.users.get(UserId("0198c0de-0000-7000-9000-000000000003")) is None
        assert await uow.users.lock(UserId("0198c0de-0000-7000-9000-000000000003")) is None


@pytest.mark.parametrize(
    ("email", "username", "reason"),
    [("MIKA@EXAMPLE.COM", "new", Reason.EMAIL_TAKEN), ("new@example.com", "MIKA", Reason.USERNAME_TAKEN)],
)
async def test_a_name_is_taken_without_regard_to_case(
    stored: UnitOfWorkFactory, email: str, username: str, reason: Reason
) -> None:
    third = make_user("0198c0de-0000-7000-9000-000000000003", email=email, username=username)
    for write in ("add", "save"):
        with pytest.raises(AlreadyExists) as refused:
            async with stored() as uow:
                await (uow.users.add(third, "hash") if write == "add" else uow.users.save(replace(third, id=OTHER.id)))
        assert refused.value.reason is reason


async def test_every_setting_can_be_changed(stored: UnitOfWorkFactory) -> None:
    changed = replace(
        USER,
        email="new@example.com",
        username="new",
        role=Role.ADMIN,
        native_language="pt-BR",
        level=10,
        time_zone="Asia/Tokyo",
        day_turn_hour=0,
        voice_retention_days=30,
        active=False,
        verified=True,
    )
    async with stored() as uow:
        await uow.users.save(changed)
        await uow.commit()

    async with stored() as uow:
        assert await uow.users.get(USER.id) == changed
        assert await uow.users.get(OTHER.id) == OTHER


async def test_a_hash_is_replaced(stored: UnitOfWorkFactory) -> None:
    async with stored() as uow:
        await uow.users.set_password_hash(USER.id, "hash 3")
        await uow.commit()

    async with stored() as uow:
        assert await uow.users.find_by_username("mika") == Credentials(USER, "hash 3")


async def test_who_waited_for_a_lock_sees_what_was_done_under_it(stored: UnitOfWorkFactory) -> None:
    locked, asked = asyncio.Event(), asyncio.Event()

    async def change() -> None:
        async with stored() as uow:
            await uow.users.lock(USER.id)
            locked.set()
            await asked.wait()
            await uow.users.set_password_hash(USER.id, "hash 3")
            await uow.commit()

    async def look() -> Credentials | None:
        await locked.wait()
        asked.set()
        async with stored() as uow:
            return await uow.users.lock(USER.id)

    _, seen = await asyncio.gather(change(), look())

    assert seen == Credentials(USER, "hash 3")


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (UserFilter(), [OTHER, USER]),
        (UserFilter(text="mika@"), [USER]),
        (UserFilter(text="the"), [OTHER]),
        (UserFilter(text="%"), []),
        (UserFilter(role=Role.STUDENT, active=True, verified=False), [OTHER, USER]),
        (UserFilter(role=Role.ADMIN), []),
        (UserFilter(active=False), []),
        (UserFilter(verified=True), []),
    ],
)
async def test_accounts_are_listed(stored: UnitOfWorkFactory, wanted: UserFilter, found: list[object]) -> None:
    async with stored() as uow:
        first = await uow.users.list(wanted, PageRequest(1))
        rest = [] if first.next is None else (await uow.users.list(wanted, PageRequest(1, first.next))).items
    assert [*first.items, *rest] == found


async def test_active_administrators_are_those(stored: UnitOfWorkFactory) -> None:
    async with stored() as uow:
        assert await uow.users.lock_active_admins() == frozenset()
        await uow.users.save(replace(USER, role=Role.ADMIN))
        await uow.users.save(replace(OTHER, role=Role.ADMIN, active=False))
        assert await uow.users.lock_active_admins() == {USER.id}


async def test_of_two_administrators_who_dismiss_each_other_at_once_one_stays(stored: UnitOfWorkFactory) -> None:
    async with stored() as uow:
        for user in (USER, OTHER):
            await uow.users.save(replace(user, role=Role.ADMIN))
        await uow.commit()
    update = UpdateUser(stored, FixedClock(), CountingIds())

    answers = await asyncio.gather(
        *(update(caller_of(by), user.id, UserChange(active=False)) for by, user in ((USER, OTHER), (OTHER, USER))),
        return_exceptions=True,
    )

    reasons = [answer.reason for answer in answers if isinstance(answer, ApplicationError)]
    assert reasons == [Reason.LAST_ADMIN]
    async with stored() as uow:
        assert len(await uow.users.lock_active_admins()) == 1


def caller_of(user: User) -> Caller:
    return Caller(user.id, user.role, SessionId("0198c0de-0000-7000-a000-000000000001"), NOON)
