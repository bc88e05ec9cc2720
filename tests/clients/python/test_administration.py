"""`kaiwa sessions`, `profile` and `admin`, against the real AccountsService on fakes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kaiwa.accounts.v1 import accounts_service_pb2_grpc as rpc
from server.accounts.servicer import AccountsServicer
from server.kernel.identity import Role
from server.rpc.server import Service
from server.rpc.wire import PageTokens
from tests.clients.python.conftest import CommandLine, SleepingClock
from tests.support.accounts import Accounts, make_user, sign_in
from tests.support.rpc import serving

KEN = make_user("0198c0de-0000-7000-9000-000000000002", email="ken@example.com", username="ken")


@pytest.fixture
def accounts() -> Accounts:
    return Accounts()


@pytest.fixture
async def admin(accounts: Accounts, tmp_path: Path) -> AsyncIterator[CommandLine]:
    """The command line, with an administrator signed in."""
    accounts.add_user(make_user(role=Role.ADMIN))
    servicer = AccountsServicer(accounts.use_cases, PageTokens(b"s" * 32))
    service = Service("kaiwa.accounts.v1.AccountsService", rpc.add_AccountsServiceServicer_to_server, servicer)
    token = (await accounts.login(sign_in())).tokens.access_token
    async with serving([service], authenticate=accounts.authenticate) as served:
        environment = {"KAIWA_ADDRESS": served.address, "KAIWA_TOKEN": token, "TERM": "xterm-256color", "TZ": "UTC"}
        yield CommandLine(tmp_path, environment, SleepingClock())


async def test_sessions_are_listed_and_ended(admin: CommandLine, accounts: Accounts) -> None:
    other = (await accounts.login(sign_in())).tokens.session_id

    assert await admin("sessions") == 0
    assert admin.out.splitlines()[0] == "Mika's phone"
    assert "Mika's phone  (this one)" in admin.out
    await admin("sessions", "--json")
    newest, oldest = admin.objects
    assert (newest["id"], newest["current"], oldest["current"]) == (other, False, True)
    assert newest["create_time"] == "2026-11-23T12:00:00+00:00"
    assert await admin("sessions", "--end", other) == 0
    assert admin.out == f"Ended session {other}.\n"
    await admin("sessions", "--json")
    assert [each["current"] for each in admin.objects] == [True]
    assert await admin("sessions", "--end", KEN.id) == 1
    assert "(SESSION_NOT_FOUND)" in admin.err


async def test_the_profile_is_shown_and_changed(admin: CommandLine) -> None:
    assert await admin("profile") == 0
    assert "Time zone   UTC, days turn over at 4:00" in admin.out
    assert "E-mail      mika@example.com (not verified)" in admin.out
    assert "Recordings  kept until deleted" in admin.out

    changes = ["--time-zone", "Asia/Tokyo", "--day-turn-hour", "0", "--level", "7", "--voice-retention-days", "30"]
    assert await admin("profile", *changes, "--json") == 0
    (user,) = admin.objects
    assert (user["time_zone"], user["day_turn_hour"], user["level"]) == ("Asia/Tokyo", 0, 7)
    assert await admin("profile", "--username", "mika.2") == 0
    assert admin.out.startswith("Username    mika.2\n")
    assert "Recordings  kept 30 days" in admin.out
    assert await admin("profile", "--time-zone", "Mars/Olympus") == 1
    assert "(TIME_ZONE_UNKNOWN)" in admin.err


async def test_accounts_are_listed_and_changed(admin: CommandLine, accounts: Accounts) -> None:
    accounts.add_user(KEN)

    assert await admin("admin", "users", "--search", "KEN", "--active") == 0
    assert admin.out.startswith("ken (ken@example.com), student\n")
    assert KEN.id in admin.out
    assert await admin("admin", "user", KEN.id, "--role", "teacher", "--deactivate", "--note", "On leave") == 0
    assert admin.out.startswith("ken (ken@example.com), teacher, inactive\n")
    assert [entry.note for entry in accounts.state.audit.values()] == ["On leave"]
    await admin("admin", "users", "--inactive", "--role", "teacher", "--json")
    assert [user["username"] for user in admin.objects] == ["ken"]
    await admin("admin", "users", "--search", "nobody")
    assert admin.out == "No account fits.\n"
    assert await admin("admin", "user", KEN.id) == 2
    assert "Give --role, --activate or --deactivate." in admin.err
    assert await admin("admin", "user", make_user().id, "--role", "student") == 1
    assert "(LAST_ADMIN)" in admin.err


async def test_the_configuration_is_listed_and_changed(admin: CommandLine, accounts: Accounts) -> None:
    await admin("admin", "config")
    assert admin.out == "No entry fits.\n"

    entry = ["app.minimum_version", "1.2", "--description", "The least version", "--public", "--note", "why"]
    assert await admin("admin", "set", *entry) == 0
    assert admin.out == "app.minimum_version = 1.2  (public)\n    The least version\n"
    await admin("admin", "config", "--prefix", "app.", "--json")
    (listed,) = admin.objects
    assert (listed["key"], listed["update_time"]) == ("app.minimum_version", "2026-11-23T12:00:00+00:00")
    assert await admin("admin", "unset", "app.minimum_version") == 0
    assert admin.out == "app.minimum_version is not set.\n"
    assert accounts.state.config == {}


async def test_others_may_not(admin: CommandLine, accounts: Accounts) -> None:
    accounts.add_user(KEN)
    admin.environment["KAIWA_TOKEN"] = (await accounts.login(sign_in("ken"))).tokens.access_token

    assert await admin("admin", "users") == 1
    assert "(ROLE_REQUIRED)" in admin.err
