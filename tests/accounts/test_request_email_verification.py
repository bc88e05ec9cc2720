from __future__ import annotations

import pytest

from server.accounts.domain.password import Password
from server.accounts.repeat import Repeat
from server.accounts.request_email_verification import NewAddress
from server.errors import Aborted, AlreadyExists, InvalidInput, Reason, Unauthenticated
from tests.support.accounts import HOME, Accounts, make_user

OTHER = "0198c0de-0000-7000-9000-000000000002"
REPEAT = Repeat("7d0c7b5e-0000-4000-8000-000000000001", b"1" * 32)


def new_address(email: str = "new@example.com", password: str = "correct horse") -> NewAddress:
    return NewAddress(email, Password(password))


async def test_mails_a_link_and_keeps_no_token_in_the_clear(accounts: Accounts) -> None:
    accounts.add_user(make_user())

    await accounts.request_email_verification(await accounts.caller(), None, HOME, None)
    await accounts.background.finish()

    (mail,) = accounts.mailer.posted
    token = accounts.mailed_token()
    assert mail.to == "mika@example.com"
    assert f"https://app.example/verify-email#token={token}" in mail.text
    assert token not in repr(accounts.state.mailed)
    assert token not in repr(mail)


async def test_an_address_that_is_verified_gets_no_mail(accounts: Accounts) -> None:
    accounts.add_user(make_user())
    caller = await accounts.caller()
    await accounts.request_email_verification(caller, None, HOME, None)
    await accounts.background.finish()
    await accounts.verify_email(accounts.mailed_token())
    await accounts.background.finish()

    await accounts.request_email_verification(caller, None, HOME, None)
    await accounts.background.finish()
    await accounts.request_email_verification(caller, new_address("mika@example.com"), HOME, None)
    await accounts.background.finish()

    assert len(accounts.mailer.posted) == 1


async def test_a_new_address_gets_the_mail_once_the_password_is_shown(accounts: Accounts) -> None:
    user = accounts.add_user(make_user())
    caller = await accounts.caller()

    with pytest.raises(InvalidInput) as refused:
        await accounts.request_email_verification(caller, new_address(password="wrong horse"), HOME, None)
    await accounts.request_email_verification(caller, new_address(" new@EXAMPLE.com"), HOME, None)
    await accounts.background.finish()

    assert (refused.value.reason, refused.value.metadata) == (Reason.PASSWORD_INCORRECT, {"field": "password"})
    assert [mail.to for mail in accounts.mailer.posted] == ["new@example.com"]
    assert accounts.state.users[user.id].user == user


async def test_anothers_address_gets_a_notice_and_no_token(accounts: Accounts) -> None:
    accounts.add_user(make_user())
    accounts.add_user(make_user(OTHER, email="other@example.com", username="other"))

    await accounts.request_email_verification(await accounts.caller(), new_address("OTHER@example.com"), HOME, None)
    await accounts.background.finish()

    (mail,) = accounts.mailer.posted
    assert mail.to == "other@example.com"
    assert "token" not in mail.text
    assert "mika" not in mail.text


async def test_a_newer_token_voids_the_older_ones(accounts: Accounts) -> None:
    accounts.add_user(make_user())
    caller = await accounts.caller()
    await accounts.request_email_verification(caller, None, HOME, None)
    await accounts.background.finish()
    older = accounts.mailed_token()
    await accounts.request_email_verification(caller, None, HOME, None)
    await accounts.background.finish()

    with pytest.raises(InvalidInput) as refused:
        await accounts.verify_email(older)

    assert refused.value.reason is Reason.VERIFICATION_TOKEN_INVALID
    await accounts.verify_email(accounts.mailed_token())
    await accounts.background.finish()


async def test_a_retry_sends_one_mail_and_another_request_with_its_id_none(accounts: Accounts) -> None:
    accounts.add_user(make_user())
    caller = await accounts.caller()

    await accounts.request_email_verification(caller, None, HOME, REPEAT)
    await accounts.background.finish()
    await accounts.request_email_verification(caller, None, HOME, REPEAT)
    await accounts.background.finish()
    with pytest.raises(AlreadyExists) as refused:
        await accounts.request_email_verification(caller, new_address(), HOME, Repeat(REPEAT.request_id, b"2" * 32))

    assert refused.value.reason is Reason.REQUEST_ID_REUSED
    assert len(accounts.mailer.posted) == 1


async def test_an_account_that_has_just_gone(accounts: Accounts) -> None:
    user = accounts.add_user(make_user())
    caller = await accounts.caller()
    del accounts.state.users[user.id]

    for wanted in (None, new_address()):
        with pytest.raises(Unauthenticated):
            await accounts.request_email_verification(caller, wanted, HOME, None)


@pytest.mark.parametrize("wanted", [None, new_address()], ids=["present", "new"])
async def test_who_is_signed_out_gets_no_mail(accounts: Accounts, wanted: NewAddress | None) -> None:
    accounts.add_user(make_user())
    caller = await accounts.caller()
    await accounts.logout(caller, None)

    with pytest.raises(Unauthenticated) as refused:
        await accounts.request_email_verification(caller, wanted, HOME, None)

    assert refused.value.reason is Reason.SESSION_REVOKED
    assert not accounts.mailer.posted


async def test_a_password_that_changes_meanwhile_moves_no_account(accounts: Accounts) -> None:
    accounts.add_user(make_user())
    caller = await accounts.caller()
    old, new = Password("correct horse"), Password("battery staple")
    accounts.hasher.meanwhile = lambda: accounts.change_password(caller, old, new)

    with pytest.raises(Aborted) as refused:
        await accounts.request_email_verification(caller, new_address(), HOME, None)

    assert refused.value.reason is Reason.CONCURRENT_CHANGE
    assert not accounts.state.mailed
