"""What accounts ask of where the configuration table and the audit log are stored."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import delete, select

from server.accounts.domain.administration import AuditAction, AuditEntry, ConfigEntry
from server.accounts.ports import UnitOfWorkFactory
from server.adapters.postgres.tables import AuditLogRow, UserRow
from server.adapters.postgres.unit_of_work import PostgresUnitOfWork
from server.kernel.identity import Role
from server.kernel.paging import PageRequest
from tests.support.accounts import FakeDatabase, make_user
from tests.support.kernel import NOON

ADMIN = make_user(role=Role.ADMIN)
MIKA = make_user("0198c0de-0000-7000-9000-000000000002", email="m@example.com", username="m")
ENTRY = ConfigEntry("app.minimum_version", "1.2", "The least version", True, NOON, ADMIN.id)


@pytest.fixture(params=["memory", "postgres"])
def transaction(request: pytest.FixtureRequest) -> UnitOfWorkFactory:
    if request.param == "memory":
        return FakeDatabase()
    postgres: UnitOfWorkFactory = request.getfixturevalue("unit_of_work")
    return postgres


@pytest.fixture
async def stored(transaction: UnitOfWorkFactory) -> UnitOfWorkFactory:
    """A database that has `ADMIN`."""
    async with transaction() as uow:
        await uow.users.add(ADMIN, "hash")
        await uow.commit()
    return transaction


async def test_an_entry_is_made_replaced_and_deleted(stored: UnitOfWorkFactory) -> None:
    changed = replace(ENTRY, value="", description="", public=False, updated_at=NOON + timedelta(1), updated_by=None)
    async with stored() as uow:
        assert await uow.config.get(ENTRY.key) is None
        await uow.config.set(ENTRY)
        assert await uow.config.get(ENTRY.key) == ENTRY
        await uow.config.set(changed)
        assert await uow.config.get(ENTRY.key) == changed
        await uow.config.delete(ENTRY.key)
        await uow.config.delete(ENTRY.key)
        assert await uow.config.get(ENTRY.key) is None


async def test_entries_are_listed_in_the_order_of_their_keys(stored: UnitOfWorkFactory) -> None:
    keys = ["limits.b", "app.z", "limits.a", "limits_c", "limitsd", "limits"]
    async with stored() as uow:
        for key in keys:
            await uow.config.set(replace(ENTRY, key=key))
        first = await uow.config.list("limits", PageRequest(3))
        second = await uow.config.list("limits", PageRequest(3, first.next))
        exact = await uow.config.list("limits_", PageRequest())
    assert [entry.key for entry in first.items] == ["limits", "limits.a", "limits.b"]
    assert [entry.key for entry in second.items] == ["limits_c", "limitsd"]
    assert second.next is None
    assert [entry.key for entry in exact.items] == ["limits_c"]


async def test_public_values_are_those_marked_so(stored: UnitOfWorkFactory) -> None:
    async with stored() as uow:
        await uow.config.set(ENTRY)
        await uow.config.set(replace(ENTRY, key="limits.secret", public=False))

        assert await uow.config.public_values() == {ENTRY.key: "1.2"}


async def test_the_audit_log_outlives_those_it_names(unit_of_work: Callable[[], PostgresUnitOfWork]) -> None:
    entry = AuditEntry(
        id="0198c0de-0000-7000-a000-000000000001",
        at=NOON,
        actor_id=ADMIN.id,
        action=AuditAction.UPDATE_USER,
        changes={"role": ("student", "teacher")},
        user_id=MIKA.id,
        note="Passed the exam",
    )
    async with unit_of_work() as uow:
        for user in (ADMIN, MIKA):
            await uow.users.add(user, "hash")
        await uow.audit.add(entry)
        (row,) = (await uow.session.execute(select(AuditLogRow))).scalars()
        assert (row.id, row.at, row.actor_id, row.user_id) == (entry.id, NOON, ADMIN.id, MIKA.id)
        assert (row.action, row.changes, row.note) == ("update_user", {"role": ["student", "teacher"]}, entry.note)
        await uow.session.execute(delete(UserRow))
        await uow.session.refresh(row)
        assert (row.actor_id, row.user_id) == (None, None)
