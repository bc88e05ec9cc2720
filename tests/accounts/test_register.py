from __future__ import annotations

import asyncio
import hashlib
from dataclasses import replace

import pytest

from server.accounts.repeat import Repeat
from server.accounts.session_tokens import SignedIn
from server.errors import AlreadyExists, ApplicationError, InvalidInput, Reason
from server.kernel.identity import Role
from tests.support.accounts import REFRESH_LIFE, Accounts, make_user, registration
from tests.support.kernel import NOON

REPEAT = Repeat("7d0c7b5e-0000-4000-8000-000000000001", hashlib.sha256(b"body").digest())


async def test_makes_a_student_and_signs_them_in(accounts: Accounts) -> None:
    made = await accounts.register(registration(email=" Mika@Example.COM "))

    assert (made.user.role, made.user.active, made.user.verified) == (Role.STUDENT, True, False)
    assert made.user.email == "Mika@example.com"
    assert accounts.state.users[made.user.id].password_hash == "new$correct horse"
    session = accounts.state.sessions[made.tokens.session_id]
    assert (session.user_id, session.device_name, session.user_agent) == (
        made.user.id,
        "Mika's phone",
        "kaiwa-test/1",
    )
    assert made.tokens.refresh_expires_at == session.expires_at == NOON + REFRESH_LIFE
    assert (await accounts.authenticate(made.tokens.access_token)).user_id == made.user.id


@pytest.mark.parametrize(
    ("email", "username", "reason", "field"),
    [
        ("MIKA@example.com", "someone", Reason.EMAIL_TAKEN, "email"),
        ("else@example.com", "Mika", Reason.USERNAME_TAKEN, "username"),
        ("mika@example.com", "mika", Reason.EMAIL_TAKEN, "email"),
    ],
)
async def test_names_are_unique_without_regard_to_case(
    accounts: Accounts, email: str, username: str, reason: Reason, field: str
) -> None:
    accounts.add_user(make_user())

    with pytest.raises(AlreadyExists) as refused:
        await accounts.register(registration(email=email, username=username))

    assert refused.value.reason is reason
    assert refused.value.metadata == {"field": field}
    assert len(accounts.state.users) == 1
    assert not accounts.state.sessions


@pytest.mark.parametrize(
    "password", ["password1", "PASSWORD1", "ｐａｓｓｗｏｒｄ１", "Mika@Example.com", "MIKATANAKA", " mikatanaka "]
)
async def test_refuses_passwords_that_are_guessed_first(accounts: Accounts, password: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        await accounts.register(registration(username="mikatanaka", password=password))

    assert refused.value.reason is Reason.PASSWORD_TOO_COMMON
    assert refused.value.metadata == {"field": "password"}
    assert password not in refused.value.message


async def test_refuses_a_time_zone_that_it_cannot_count_days_in(accounts: Accounts) -> None:
    with pytest.raises(InvalidInput) as refused:
        await accounts.register(registration(time_zone="Mars/Olympus"))

    assert refused.value.reason is Reason.TIME_ZONE_UNKNOWN
    assert refused.value.metadata == {"field": "time_zone", "time_zone": "Mars/Olympus"}


async def test_a_retry_returns_the_same_account_with_new_tokens(accounts: Accounts) -> None:
    first = await accounts.register(registration(repeat=REPEAT))
    again = await accounts.register(registration(repeat=REPEAT))

    assert again.user == first.user
    assert again.tokens.session_id != first.tokens.session_id
    assert len(accounts.state.users) == 1


async def test_two_tries_at_once_make_one_account(accounts: Accounts) -> None:
    both = await asyncio.gather(*(accounts.register(registration(repeat=REPEAT)) for _ in range(2)))

    assert both[0].user == both[1].user
    assert len(accounts.state.users) == 1


async def test_of_two_people_at_once_one_gets_the_name(accounts: Accounts) -> None:
    answers = await asyncio.gather(
        *(accounts.register(registration(email=f"{name}@example.com")) for name in "ab"), return_exceptions=True
    )

    assert {type(answer) for answer in answers} == {SignedIn, AlreadyExists}
    assert len(accounts.state.users) == 1


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"password": "another horse"}, Reason.EMAIL_TAKEN),
        ({"repeat": None}, Reason.EMAIL_TAKEN),
        ({"repeat": replace(REPEAT, request_id="7d0c7b5e-0000-4000-8000-000000000002")}, Reason.EMAIL_TAKEN),
        ({"repeat": replace(REPEAT, body_hash=hashlib.sha256(b"other").digest())}, Reason.REQUEST_ID_REUSED),
    ],
)
async def test_what_is_no_retry_is_refused(
    accounts: Accounts, change: dict[str, str | Repeat | None], reason: Reason
) -> None:
    await accounts.register(registration(repeat=REPEAT))
    sessions = len(accounts.state.sessions)

    with pytest.raises(ApplicationError) as refused:
        await accounts.register(registration(**{"repeat": REPEAT, **change}))  # type: ignore[arg-type]

    assert refused.value.reason is reason
    assert len(accounts.state.sessions) == sessions
    assert len(accounts.state.answers) == 1


async def test_a_retry_does_not_open_an_inactive_account(accounts: Accounts) -> None:
    first = await accounts.register(registration(repeat=REPEAT))
    accounts.add_user(replace(first.user, active=False))

    with pytest.raises(AlreadyExists):
        await accounts.register(registration(repeat=REPEAT))


def test_the_request_hides_who_it_is_for() -> None:
    shown = repr(registration())

    assert not any(secret in shown for secret in ("correct horse", "example.com", "mika"))
