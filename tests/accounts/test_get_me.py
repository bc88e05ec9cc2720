import pytest

from server.errors import Reason, Unauthenticated
from tests.support.accounts import Accounts, make_user, sign_in


async def test_returns_the_callers_account(accounts: Accounts) -> None:
    user = accounts.add_user(make_user())
    caller = await accounts.authenticate((await accounts.login(sign_in())).tokens.access_token)

    assert await accounts.get_me(caller) == user


async def test_an_account_deleted_a_moment_ago_has_no_session(accounts: Accounts) -> None:
    user = accounts.add_user(make_user())
    caller = await accounts.authenticate((await accounts.login(sign_in())).tokens.access_token)
    del accounts.state.users[user.id]

    with pytest.raises(Unauthenticated) as refused:
        await accounts.get_me(caller)

    assert refused.value.reason is Reason.SESSION_REVOKED
