from __future__ import annotations

from datetime import timedelta

import pytest

from server.accounts.domain.administration import AuditAction, AuditEntry, ConfigEntry
from server.accounts.set_config import ConfigValue
from server.kernel.identity import Caller, Role
from tests.support.accounts import Accounts, make_user

KEY = "app.minimum_version"


@pytest.fixture
async def admin(accounts: Accounts) -> Caller:
    accounts.add_user(make_user(role=Role.ADMIN))
    return await accounts.caller()


async def test_makes_an_entry_replaces_it_whole_and_deletes_it(accounts: Accounts, admin: Caller) -> None:
    await accounts.set_config(admin, KEY, ConfigValue("1.2", "The least version", True), "")
    accounts.clock.advance(timedelta(hours=1))

    entry = await accounts.set_config(admin, KEY, ConfigValue("1.3", "", False), "")

    assert entry == ConfigEntry(KEY, "1.3", "", False, accounts.clock.now(), admin.user_id)
    assert accounts.state.config == {KEY: entry}
    assert await accounts.set_config(admin, KEY, None, "") is None
    assert accounts.state.config == {}


async def test_what_was_done_is_noted(accounts: Accounts, admin: Caller) -> None:
    accounts.add_config(KEY, "1.2", public=True)

    await accounts.set_config(admin, KEY, ConfigValue("1.3", f"about {KEY}", True), "Version 1.2 loses data")
    await accounts.set_config(admin, KEY, None, "")

    first, second = accounts.state.audit.values()
    assert first == AuditEntry(
        id=first.id,
        at=accounts.clock.now(),
        actor_id=admin.user_id,
        action=AuditAction.SET_CONFIG,
        changes={"value": ("1.2", "1.3")},
        config_key=KEY,
        note="Version 1.2 loses data",
    )
    assert second.action is AuditAction.DELETE_CONFIG
    assert second.changes == {
        "value": ("1.3", None),
        "description": (f"about {KEY}", None),
        "public": (True, None),
    }


async def test_deleting_what_is_not_there_is_no_error_and_not_noted(accounts: Accounts, admin: Caller) -> None:
    assert await accounts.set_config(admin, KEY, None, "") is None
    assert accounts.state.audit == {}
