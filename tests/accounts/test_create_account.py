from __future__ import annotations

import pytest

from server.accounts.create_account import NewAccount
from server.accounts.domain.password import Password
from server.errors import AlreadyExists, InvalidInput, Reason
from server.kernel.identity import Role
from tests.support.accounts import Accounts, make_user, sign_in


def admin(*, email: str = "root@example.com", username: str = "root", password: str = "correct horse") -> NewAccount:
    return NewAccount(email, username, Password(password), Role.ADMIN)


async def test_makes_an_account_with_a_role_that_can_sign_in(accounts: Accounts) -> None:
    user = await accounts.create_account(admin())

    assert (user.role, user.verified, user.active) == (Role.ADMIN, True, True)
    assert (await accounts.login(sign_in("root"))).user == user


async def test_leaves_an_account_that_is_there_as_it_is(accounts: Accounts) -> None:
    there = accounts.add_user(make_user(email="Root@example.com", username="somebody"), "new$their own")

    assert await accounts.create_account(admin()) == there
    assert accounts.state.users[there.id].password_hash == "new$their own"


async def test_overwrites_password_and_role_when_asked(accounts: Accounts) -> None:
    there = accounts.add_user(make_user(email="root@example.com", username="somebody", active=False), "new$forgotten")

    user = await accounts.create_account(admin(), overwrite=True)

    assert (user.id, user.username, user.role, user.active) == (there.id, "somebody", Role.ADMIN, True)
    assert accounts.state.users[there.id].password_hash == "new$correct horse"


async def test_a_username_that_another_has_is_refused(accounts: Accounts) -> None:
    accounts.add_user(make_user(username="ROOT"))

    with pytest.raises(AlreadyExists) as refused:
        await accounts.create_account(admin())

    assert refused.value.reason is Reason.USERNAME_TAKEN


@pytest.mark.parametrize(
    ("account", "reason", "field"),
    [
        (admin(email="no address"), Reason.INVALID_FIELD, "email"),
        (admin(email="a" * 250 + "@b.de"), Reason.INVALID_FIELD, "email"),
        (admin(username="r"), Reason.INVALID_FIELD, "username"),
        (admin(username="ro@ot"), Reason.INVALID_FIELD, "username"),
        (admin(password="short"), Reason.INVALID_FIELD, "password"),
        (admin(password="password1"), Reason.PASSWORD_TOO_COMMON, "password"),
    ],
)
async def test_holds_to_the_contracts_rules(
    accounts: Accounts, account: NewAccount, reason: Reason, field: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        await accounts.create_account(account)

    assert (refused.value.reason, refused.value.metadata["field"]) == (reason, field)
