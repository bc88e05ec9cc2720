from __future__ import annotations

from dataclasses import replace

import pytest

from server.accounts.domain.administration import AuditAction, AuditEntry
from server.accounts.domain.password import Password
from server.accounts.domain.session import EndReason
from server.accounts.update_user import UserChange
from server.errors import ApplicationError, FailedPrecondition, InvalidInput, NotFound, Reason
from server.kernel.identity import Caller, Role, UserId
from tests.support.accounts import HOME, Accounts, make_user, sign_in

ADMIN = make_user("0198c0de-0000-7000-9000-00000000000a", email="admin@example.com", username="admin", role=Role.ADMIN)
SECOND = make_user("0198c0de-0000-7000-9000-00000000000b", email="b@example.com", username="second", role=Role.ADMIN)


@pytest.fixture
async def admin(accounts: Accounts) -> Caller:
    accounts.add_user(ADMIN)
    return await accounts.caller("admin")


async def test_a_new_role_counts_from_the_next_call_and_is_noted(accounts: Accounts, admin: Caller) -> None:
    mika = accounts.add_user(make_user())
    tokens = (await accounts.login(sign_in())).tokens

    user = await accounts.update_user(admin, mika.id, UserChange(role=Role.TEACHER, note="Passed the exam"))

    assert user == replace(mika, role=Role.TEACHER)
    assert (await accounts.authenticate(tokens.access_token)).role is Role.TEACHER
    (entry,) = accounts.state.audit.values()
    assert entry == AuditEntry(
        id=entry.id,
        at=accounts.clock.now(),
        actor_id=ADMIN.id,
        action=AuditAction.UPDATE_USER,
        changes={"role": ("student", "teacher")},
        user_id=mika.id,
        note="Passed the exam",
    )


async def test_who_is_made_inactive_is_signed_out_everywhere_until_made_active_again(
    accounts: Accounts, admin: Caller
) -> None:
    mika = accounts.add_user(make_user())
    tokens = (await accounts.login(sign_in())).tokens
    await accounts.request_password_reset(mika.email, HOME, None)
    await accounts.background.finish()

    await accounts.update_user(admin, mika.id, UserChange(active=False))

    assert accounts.state.sessions[tokens.session_id].end_reason is EndReason.ACCOUNT_INACTIVE
    for refused, reason in (
        (accounts.authenticate(tokens.access_token), Reason.SESSION_REVOKED),
        (accounts.refresh_tokens(tokens.refresh_token, None, ""), Reason.REFRESH_TOKEN_INVALID),
        (accounts.login(sign_in()), Reason.ACCOUNT_INACTIVE),
    ):
        with pytest.raises(ApplicationError) as caught:
            await refused
        assert caught.value.reason is reason
    await accounts.update_user(admin, mika.id, UserChange(active=True))
    with pytest.raises(ApplicationError):
        await accounts.authenticate(tokens.access_token)
    with pytest.raises(InvalidInput):
        await accounts.reset_password(accounts.mailed_token(), Password("battery staple"), HOME)
    await accounts.login(sign_in())
    assert [entry.changes for entry in accounts.state.audit.values()] == [
        {"active": (True, False)},
        {"active": (False, True)},
    ]


async def test_what_changes_nothing_is_not_noted(accounts: Accounts, admin: Caller) -> None:
    mika = accounts.add_user(make_user())

    assert await accounts.update_user(admin, mika.id, UserChange(role=Role.STUDENT, active=True)) == mika
    assert accounts.state.audit == {}


@pytest.mark.parametrize("change", [UserChange(role=Role.TEACHER), UserChange(active=False)])
async def test_the_last_administrator_stays(accounts: Accounts, admin: Caller, change: UserChange) -> None:
    accounts.add_user(replace(SECOND, active=False))

    with pytest.raises(FailedPrecondition) as refused:
        await accounts.update_user(admin, ADMIN.id, change)

    assert (refused.value.reason, refused.value.metadata) == (Reason.LAST_ADMIN, {"user_id": ADMIN.id})
    accounts.add_user(SECOND)
    await accounts.update_user(admin, ADMIN.id, change)


async def test_an_inactive_administrator_is_not_the_last(accounts: Accounts, admin: Caller) -> None:
    accounts.add_user(replace(SECOND, active=False))

    user = await accounts.update_user(admin, SECOND.id, UserChange(role=Role.STUDENT))

    assert user.role is Role.STUDENT


async def test_an_account_that_does_not_exist(accounts: Accounts, admin: Caller) -> None:
    unknown = UserId("0198c0de-0000-7000-9000-0000000000ff")

    with pytest.raises(NotFound) as refused:
        await accounts.update_user(admin, unknown, UserChange(active=False))

    assert (refused.value.reason, refused.value.metadata) == (Reason.USER_NOT_FOUND, {"user_id": unknown})
