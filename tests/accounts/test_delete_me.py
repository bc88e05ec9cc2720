"""DeleteMe: the account is closed from the answer on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from server.accounts.delete_me import DeleteMe
from server.accounts.domain.password import Password
from server.accounts.domain.session import EndReason
from server.accounts.ports import Verdict
from server.accounts.update_user import UserChange
from server.errors import ApplicationError, InvalidInput, Reason
from server.kernel.identity import Caller, Role
from tests.support.accounts import HOME, Accounts, FakeHasher, make_user, registration, sign_in

RIGHT = Password("correct horse")
ADMIN = make_user("0198c0de-0000-7000-9000-00000000000a", email="admin@example.com", username="admin", role=Role.ADMIN)
SECOND = make_user("0198c0de-0000-7000-9000-00000000000b", email="b@example.com", username="second", role=Role.ADMIN)


@pytest.fixture
async def mika(accounts: Accounts) -> Caller:
    accounts.add_user(make_user())
    return await accounts.caller()


async def test_everything_ends_but_the_session_that_asked(accounts: Accounts, mika: Caller) -> None:
    other = await accounts.login(sign_in())
    await accounts.request_password_reset("mika@example.com", HOME, None)
    await accounts.background.finish()
    token = accounts.mailed_token()

    job_id = await accounts.delete_me(mika, RIGHT, HOME)

    assert list(accounts.state.deletions) == [job_id]
    assert accounts.state.sessions[mika.session_id].ended_at is None
    assert accounts.state.sessions[other.tokens.session_id].end_reason is EndReason.ACCOUNT_DELETED
    for refused, reason in (
        (accounts.authenticate(other.tokens.access_token), Reason.SESSION_REVOKED),
        (accounts.refresh_tokens(other.tokens.refresh_token, None, ""), Reason.REFRESH_TOKEN_INVALID),
        (accounts.login(sign_in()), Reason.ACCOUNT_DELETION_STARTED),
        (accounts.login(sign_in(password="wrong horse")), Reason.INVALID_CREDENTIALS),
        (accounts.reset_password(token, Password("battery staple"), HOME), Reason.RESET_TOKEN_INVALID),
        (accounts.register(registration()), Reason.EMAIL_TAKEN),
        (accounts.check_session(mika), Reason.ACCOUNT_DELETION_STARTED),
    ):
        with pytest.raises(ApplicationError) as caught:
            await refused
        assert caught.value.reason is reason
        if reason is Reason.ACCOUNT_DELETION_STARTED:
            assert caught.value.metadata == {"job_id": job_id}
    posted = len(accounts.mailer.posted)
    await accounts.request_password_reset("mika@example.com", HOME, None)
    await accounts.background.finish()
    assert len(accounts.mailer.posted) == posted


async def test_the_refresh_token_of_the_session_that_asked_is_dead(accounts: Accounts) -> None:
    accounts.add_user(make_user())
    begun = await accounts.login(sign_in())
    mika = await accounts.authenticate(begun.tokens.access_token)
    job_id = await accounts.delete_me(mika, RIGHT, HOME)
    with pytest.raises(ApplicationError) as refused:
        await accounts.refresh_tokens(begun.tokens.refresh_token, None, "")
    assert refused.value.reason is Reason.REFRESH_TOKEN_INVALID
    leaving = await accounts.authenticate(begun.tokens.access_token)
    assert leaving == replace(mika, deletion_job_id=job_id)
    # Who follows the deletion knows of it, and is not cut off.
    await accounts.check_session(leaving)


async def test_asked_again_it_is_the_same_job(accounts: Accounts, mika: Caller) -> None:
    first = await accounts.delete_me(mika, RIGHT, HOME)
    assert await accounts.delete_me(replace(mika, deletion_job_id=first), RIGHT, HOME) == first
    assert len(accounts.state.deletions) == 1


async def test_a_wrong_password_deletes_nothing(accounts: Accounts, mika: Caller) -> None:
    with pytest.raises(InvalidInput) as refused:
        await accounts.delete_me(mika, Password("wrong horse"), HOME)
    assert (refused.value.reason, refused.value.metadata) == (Reason.PASSWORD_INCORRECT, {"field": "password"})
    assert accounts.state.deletions == {}
    await accounts.login(sign_in())


async def test_whoever_is_signed_out_meanwhile_deletes_nothing(accounts: Accounts, mika: Caller) -> None:
    class SlowHasher(FakeHasher):
        async def verify(self, password: Password, stored: str | None) -> Verdict:
            await accounts.revoke_session(mika, mika.session_id)
            return await super().verify(password, stored)

    delete_me = DeleteMe(accounts.database, SlowHasher(), accounts.begin_deletion, accounts.clock, accounts.guard)
    with pytest.raises(ApplicationError) as refused:
        await delete_me(mika, RIGHT, HOME)
    assert refused.value.reason is Reason.SESSION_REVOKED
    assert accounts.state.deletions == {}


async def test_a_password_that_is_changed_meanwhile(accounts: Accounts, mika: Caller) -> None:
    class SlowHasher(FakeHasher):
        async def verify(self, password: Password, stored: str | None) -> Verdict:
            await accounts.change_password(mika, RIGHT, Password("battery staple"))
            return await super().verify(password, stored)

    delete_me = DeleteMe(accounts.database, SlowHasher(), accounts.begin_deletion, accounts.clock, accounts.guard)
    with pytest.raises(ApplicationError) as refused:
        await delete_me(mika, RIGHT, HOME)
    assert refused.value.reason is Reason.CONCURRENT_CHANGE
    assert accounts.state.deletions == {}


async def test_the_last_administrator_stays(accounts: Accounts) -> None:
    accounts.add_user(ADMIN)
    accounts.add_user(replace(SECOND, active=False))
    admin = await accounts.caller("admin")
    with pytest.raises(ApplicationError) as refused:
        await accounts.delete_me(admin, RIGHT, HOME)
    assert (refused.value.reason, refused.value.metadata) == (Reason.LAST_ADMIN, {"user_id": ADMIN.id})

    accounts.add_user(SECOND)
    await accounts.delete_me(admin, RIGHT, HOME)
    # Who leaves does not count any more.
    second = await accounts.caller("second")
    with pytest.raises(ApplicationError):
        await accounts.delete_me(second, RIGHT, HOME)
    with pytest.raises(ApplicationError):
        await accounts.update_user(second, SECOND.id, UserChange(role=Role.STUDENT))


async def test_what_was_counted_of_it_is_forgotten(accounts: Accounts, mika: Caller) -> None:
    for _ in range(3):
        with pytest.raises(ApplicationError):
            await accounts.login(sign_in(password="wrong horse"))
    await accounts.request_password_reset("mika@example.com", HOME, None)
    await accounts.background.finish()
    assert accounts.tally.size > 0
    await accounts.delete_me(mika, RIGHT, HOME)
    assert accounts.tally.size == 0
