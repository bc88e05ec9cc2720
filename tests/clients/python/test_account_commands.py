"""`kaiwa register`, `login`, `logout`, `whoami`."""

from __future__ import annotations

from tests.clients.python.conftest import CommandLine
from tests.support.fake_kaiwa import EMAIL, PASSWORD, FakeKaiwa


async def test_register_asks_for_what_is_not_given(kaiwa: CommandLine, fake: FakeKaiwa) -> None:
    kaiwa.environment["TZ"] = "Europe/Berlin"
    kaiwa.answers = ["ken@example.com", "ken", "a long pass phrase", "a long pass phrase"]
    assert await kaiwa("register") == 0
    assert kaiwa.out == f"Signed in to {fake.address} as ken (ken@example.com).\n"
    (request,) = fake.state.requests
    assert (request.email, request.username, request.password) == ("ken@example.com", "ken", "a long pass phrase")
    assert request.time_zone == "Europe/Berlin"
    assert request.request_id
    assert await kaiwa("whoami") == 0


async def test_register_wants_the_password_twice_the_same(kaiwa: CommandLine, fake: FakeKaiwa) -> None:
    kaiwa.answers = ["a long pass phrase", "another one"]
    assert await kaiwa("register", "--email", "ken@example.com", "--username", "ken") == 2
    assert "The two passwords differ." in kaiwa.err
    assert fake.state.requests == []


async def test_register_tells_that_an_address_is_taken(kaiwa: CommandLine) -> None:
    kaiwa.environment["KAIWA_PASSWORD"] = PASSWORD
    assert await kaiwa("register", "--email", EMAIL, "--username", "mika") == 1
    assert "There is an account with this e-mail address already" in kaiwa.err
    assert "(EMAIL_TAKEN)" in kaiwa.err


async def test_login_asks_for_name_and_password(kaiwa: CommandLine) -> None:
    kaiwa.answers = [EMAIL, PASSWORD]
    assert await kaiwa("login") == 0


async def test_login_without_a_terminal_says_what_to_set(kaiwa: CommandLine) -> None:
    assert await kaiwa("login") == 2
    assert "--email" in kaiwa.err
    assert await kaiwa("login", "--email", EMAIL) == 2
    assert "KAIWA_PASSWORD" in kaiwa.err


async def test_a_wrong_password_is_not_signed_in(kaiwa: CommandLine) -> None:
    kaiwa.environment["KAIWA_PASSWORD"] = "wrong"
    assert await kaiwa("login", "--email", EMAIL) == 4
    assert "or the password is wrong. (INVALID_CREDENTIALS)" in kaiwa.err


async def test_logout_without_a_login_is_no_error(kaiwa: CommandLine, fake: FakeKaiwa) -> None:
    assert await kaiwa("logout") == 0
    assert kaiwa.out == f"Nobody was signed in at {fake.address}.\n"


async def test_logout_says_that_the_demo_learner_stays(learner: CommandLine, fake: FakeKaiwa) -> None:
    stays = "The demo learner stays: commands go on as it.\n"
    assert await learner("logout") == 0
    assert learner.out == f"Nobody was signed in at {fake.address}. {stays}"
    learner.environment["KAIWA_PASSWORD"] = PASSWORD
    await learner("login", "--email", EMAIL)
    assert await learner("logout") == 0
    assert learner.out == f"Signed out of {fake.address}. {stays}"


async def test_nothing_is_left_where_nobody_is_signed_in(kaiwa: CommandLine) -> None:
    assert await kaiwa("history") == 4
    kaiwa.environment["KAIWA_PASSWORD"] = PASSWORD
    await kaiwa("login", "--email", EMAIL)
    assert await kaiwa("logout") == 0
    assert list((kaiwa.folder / "config" / "sessions").iterdir()) == []


async def test_logout_of_a_session_that_is_gone(kaiwa: CommandLine, fake: FakeKaiwa) -> None:
    kaiwa.environment["KAIWA_PASSWORD"] = PASSWORD
    await kaiwa("login", "--email", EMAIL)
    fake.state.sessions.clear()
    assert await kaiwa("logout") == 0
    assert await kaiwa("whoami") == 4


async def test_whoami(learner: CommandLine, fake: FakeKaiwa) -> None:
    await learner("whoami")
    assert learner.out == f"mika (mika@example.com), student, level 3, at {fake.address}\n"
    await learner("whoami", "--json")
    (who,) = learner.objects
    assert who["role"] == "student"
    assert who["create_time"] == "2026-11-23T12:00:00+00:00"


async def test_token_prints_nothing_but_a_token_that_works(learner: CommandLine, kaiwa: CommandLine) -> None:
    assert await learner("token") == 0
    (token,) = learner.out.split()
    kaiwa.environment["KAIWA_TOKEN"] = token
    assert await kaiwa("whoami") == 0
    assert kaiwa.out.startswith("mika ")


async def test_token_of_nobody(kaiwa: CommandLine) -> None:
    assert await kaiwa("token") == 4
