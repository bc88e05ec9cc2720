from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from server.accounts.domain.password import Password
from server.accounts.login import Login
from server.accounts.ports import Verdict
from server.accounts.session_tokens import Device
from server.accounts.turns import Turns
from server.errors import Aborted, PermissionDenied, Reason, Unauthenticated
from tests.support.accounts import Accounts, FakeHasher, make_user, sign_in


@pytest.mark.parametrize("login", ["mika@example.com", "MIKA@Example.com", " mika ", "Mika", "mi\0ka"])
async def test_signs_in_by_address_or_username(accounts: Accounts, login: str) -> None:
    user = accounts.add_user(make_user())

    begun = await accounts.login(sign_in(login))

    assert begun.user == user
    assert (await accounts.authenticate(begun.tokens.access_token)).session_id == begun.tokens.session_id


async def test_each_sign_in_is_a_session_of_its_own(accounts: Accounts) -> None:
    accounts.add_user(make_user())

    first, second = await accounts.login(sign_in()), await accounts.login(sign_in())

    assert first.tokens.session_id != second.tokens.session_id
    assert first.tokens.refresh_token != second.tokens.refresh_token


async def test_refuses_unknown_names_and_wrong_passwords_alike(accounts: Accounts) -> None:
    accounts.add_user(make_user())
    refusals = []
    for attempt in (sign_in("nobody@example.com"), sign_in("nobody"), sign_in(password="wrong horse")):
        with pytest.raises(Unauthenticated) as refused:
            await accounts.login(attempt)
        refusals.append((refused.value.reason, refused.value.message, refused.value.metadata))

    assert refusals == [(Reason.INVALID_CREDENTIALS, refusals[0][1], {})] * 3
    # One comparison each, so that the time does not tell either.
    assert accounts.hasher.compared == [None, None, "new$correct horse"]


async def test_an_inactive_account_is_told_so_after_the_right_password_only(accounts: Accounts) -> None:
    accounts.add_user(make_user(active=False))

    with pytest.raises(PermissionDenied) as told:
        await accounts.login(sign_in())
    with pytest.raises(Unauthenticated) as refused:
        await accounts.login(sign_in(password="wrong horse"))

    assert told.value.reason is Reason.ACCOUNT_INACTIVE
    assert refused.value.reason is Reason.INVALID_CREDENTIALS
    assert not accounts.state.sessions


async def test_an_outdated_hash_is_replaced(accounts: Accounts) -> None:
    user = accounts.add_user(make_user(), "old$correct horse")

    await accounts.login(sign_in())

    assert accounts.state.users[user.id].password_hash == "new$correct horse"


async def test_two_sign_ins_that_replace_a_hash_at_once_both_succeed(accounts: Accounts) -> None:
    accounts.add_user(make_user(), "old$correct horse")

    await asyncio.gather(accounts.login(sign_in()), accounts.login(sign_in()))

    assert len(accounts.state.sessions) == 2


class MeanwhileHasher(FakeHasher):
    """Lets something happen to the account while a password is compared."""

    def __init__(self, accounts: Accounts, *hashes: str, active: bool = True) -> None:
        super().__init__()
        self._accounts = accounts
        self._hashes = iter(hashes)
        self._active = active

    async def verify(self, password: Password, stored: str | None) -> Verdict:
        verdict = await super().verify(password, stored)
        user = make_user(active=self._active)
        self._accounts.add_user(user, next(self._hashes, self._accounts.state.users[user.id].password_hash))
        return verdict


def login_with(accounts: Accounts, hasher: FakeHasher) -> Login:
    return Login(
        accounts.database, hasher, accounts.tokens, accounts.clock, accounts.guard, accounts.even_times, Turns(2)
    )


async def test_a_password_changed_meanwhile_does_not_sign_in(accounts: Accounts) -> None:
    accounts.add_user(make_user())

    with pytest.raises(Unauthenticated):
        await login_with(accounts, MeanwhileHasher(accounts, "new$other"))(sign_in())

    assert not accounts.state.sessions


async def test_an_account_made_inactive_meanwhile_does_not_sign_in(accounts: Accounts) -> None:
    accounts.add_user(make_user())

    with pytest.raises(PermissionDenied):
        await login_with(accounts, MeanwhileHasher(accounts, active=False))(sign_in())

    assert not accounts.state.sessions


async def test_gives_up_on_an_account_that_keeps_changing(accounts: Accounts) -> None:
    accounts.add_user(make_user())
    hasher = MeanwhileHasher(accounts, *("old$correct horse", "new$correct horse") * 3)

    with pytest.raises(Aborted) as aborted:
        await login_with(accounts, hasher)(sign_in())

    assert aborted.value.reason is Reason.CONCURRENT_CHANGE


async def test_an_account_deleted_meanwhile_is_unknown(accounts: Accounts) -> None:
    user = accounts.add_user(make_user())

    class Deleting(FakeHasher):
        async def verify(self, password: Password, stored: str | None) -> Verdict:
            accounts.state.users.pop(user.id, None)
            return await super().verify(password, stored)

    with pytest.raises(Unauthenticated) as refused:
        await login_with(accounts, Deleting())(sign_in())

    assert refused.value.reason is Reason.INVALID_CREDENTIALS


async def test_a_device_name_is_kept_printable(accounts: Accounts) -> None:
    accounts.add_user(make_user())
    device = Device(name=" a\0b\n ", user_agent="x" * 300)

    begun = await accounts.login(replace(sign_in(), device=device))

    session = accounts.state.sessions[begun.tokens.session_id]
    assert (session.device_name, session.user_agent) == ("ab", "x" * 200)


async def test_what_is_secret_stays_out_of_reprs(accounts: Accounts) -> None:
    accounts.add_user(make_user())
    begun = await accounts.login(sign_in())

    shown = repr((sign_in(), begun, accounts.state.users, accounts.state.tokens))

    secrets = ("correct horse", "example.com", begun.tokens.access_token, begun.tokens.refresh_token)
    assert not any(secret in shown for secret in secrets)
