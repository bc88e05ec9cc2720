"""Sign-ins: kept by address, refreshed by one at a time, begun again for the demo learner."""

from __future__ import annotations

import asyncio
import json
import stat
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from kaiwa_client import Credentials, FileTokenStore, KaiwaClient, NotSignedIn
from kaiwa_client.tokens import Tokens
from server.errors import Reason, ResourceExhausted, Unavailable
from tests.clients.python.conftest import RETRY, CommandLine, SleepingClock
from tests.support.fake_kaiwa import EMAIL, PASSWORD, FakeKaiwa
from tests.support.kernel import NOON


def _client(fake: FakeKaiwa, clock: SleepingClock, store: FileTokenStore) -> KaiwaClient:
    return KaiwaClient(fake.address, store=store, clock=clock, retry=RETRY)


def _stored(store: FileTokenStore) -> Tokens:
    tokens = store.load()
    assert tokens is not None
    return tokens


@pytest.fixture
async def store(tmp_path: Path, fake: FakeKaiwa, clock: SleepingClock) -> FileTokenStore:
    """A store with a session."""
    made = FileTokenStore(tmp_path / "sessions" / "here.json", clock)
    async with _client(fake, clock, made) as client:
        await client.login(EMAIL, PASSWORD)
    return made


async def test_refreshes_before_the_token_ends(store: FileTokenStore, fake: FakeKaiwa, clock: SleepingClock) -> None:
    clock.elapsed = 15 * 60 - 20
    async with _client(fake, clock, store) as client:
        await client.me()
        await client.me()
    assert fake.state.calls == ["Login", "RefreshTokens", "GetMe", "GetMe"]
    assert _stored(store).refresh_token == "refresh-2"


async def test_refreshes_when_the_server_says_expired(
    store: FileTokenStore, fake: FakeKaiwa, clock: SleepingClock
) -> None:
    fake.state.expired.add("access-1")
    async with _client(fake, clock, store) as client:
        await client.me()
    assert fake.state.calls == ["Login", "GetMe", "RefreshTokens", "GetMe"]


async def test_refreshes_once_for_calls_at_the_same_time(
    store: FileTokenStore, fake: FakeKaiwa, clock: SleepingClock
) -> None:
    fake.state.expired.add("access-1")
    async with _client(fake, clock, store) as one, _client(fake, clock, store) as other:
        await asyncio.gather(one.me(), one.me(), other.me())
    assert fake.state.calls.count("RefreshTokens") == 1


async def test_repeats_a_refresh_whose_answer_got_lost_under_the_same_id(
    store: FileTokenStore, fake: FakeKaiwa, clock: SleepingClock
) -> None:
    clock.elapsed = 15 * 60
    fake.state.lose_next_refresh = True
    async with _client(fake, clock, store) as client:
        await client.me()
    first, second = (request for request in fake.state.requests if hasattr(request, "refresh_token"))
    assert first == second
    assert first.request_id


async def test_the_next_process_repeats_it_too(store: FileTokenStore, fake: FakeKaiwa, clock: SleepingClock) -> None:
    clock.elapsed = 15 * 60
    fake.state.sessions[0].used.add("refresh-1")
    fake.state.sessions[0].last_request_id = "0198c0de-0000-7000-8000-000000000042"
    fake.state.sessions[0].refresh = "refresh-lost"
    store.save(replace(_stored(store), pending_refresh_id="0198c0de-0000-7000-8000-000000000042"))
    async with _client(fake, clock, store) as client:
        await client.me()
    assert _stored(store).pending_refresh_id == ""


async def test_a_clock_that_is_wrong_does_not_refresh_for_every_call(
    store: FileTokenStore, fake: FakeKaiwa, clock: SleepingClock
) -> None:
    clock.elapsed = 10 * 24 * 3600
    async with _client(fake, clock, store) as client:
        for _ in range(3):
            await client.me()
    assert fake.state.calls.count("RefreshTokens") == 1


async def test_forgets_a_session_that_has_ended(store: FileTokenStore, fake: FakeKaiwa, clock: SleepingClock) -> None:
    fake.state.sessions.clear()
    async with _client(fake, clock, store) as client:
        with pytest.raises(NotSignedIn) as failure:
            await client.me()
        assert failure.value.reason == "SESSION_REVOKED"
    assert store.load() is None


async def test_credentials_begin_another_session(fake: FakeKaiwa, clock: SleepingClock) -> None:
    credentials = Credentials(EMAIL, PASSWORD)
    assert PASSWORD not in repr(credentials)
    async with KaiwaClient(fake.address, credentials=credentials, clock=clock, retry=RETRY) as client:
        await client.me()
        fake.state.sessions.clear()
        await client.me()
    assert fake.state.calls == ["Login", "GetMe", "GetMe", "Login", "GetMe"]


def test_keeps_the_session_readable_by_its_owner_only(tmp_path: Path, clock: SleepingClock) -> None:
    store = FileTokenStore(tmp_path / "kaiwa" / "here.json", clock)
    store.save(Tokens("a", NOON, "r", NOON + timedelta(days=1), "mika"))
    assert stat.S_IMODE((tmp_path / "kaiwa" / "here.json").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "kaiwa").stat().st_mode) == 0o700
    assert _stored(store).login == "mika"
    (tmp_path / "kaiwa" / "here.json").write_text("{", "utf-8")
    assert store.load() is None


async def test_retries_what_is_unavailable_and_waits_as_asked(
    store: FileTokenStore, fake: FakeKaiwa, clock: SleepingClock
) -> None:
    fake.state.overloaded = [
        Unavailable(Reason.DATABASE_UNAVAILABLE, "away", retry_after=timedelta(seconds=2)),
        ResourceExhausted(Reason.RATE_LIMITED, "slow down", retry_after=timedelta(seconds=3)),
    ]
    async with _client(fake, clock, store) as client:
        assert len(await client.sentences(limit=1)) == 1
    assert clock.slept == [2.0, 3.0]


async def test_does_not_wait_for_hours(store: FileTokenStore, fake: FakeKaiwa, clock: SleepingClock) -> None:
    fake.state.overloaded = [ResourceExhausted(Reason.RATE_LIMITED, "slow", retry_after=timedelta(hours=1))]
    async with _client(fake, clock, store) as client:
        with pytest.raises(Exception, match="slow"):
            await client.sentences()
    assert clock.slept == []


async def test_the_demo_learner_signs_in_silently_and_once(learner: CommandLine, fake: FakeKaiwa) -> None:
    assert await learner("whoami") == 0
    assert await learner("whoami") == 0
    assert fake.state.calls == ["Login", "GetMe", "GetMe"]
    fake.state.sessions.clear()
    assert await learner("whoami") == 0
    assert fake.state.calls[3:] == ["GetMe", "Login", "GetMe"]
    assert learner.err == ""


async def test_the_demo_learner_is_found_in_kaiwa_home(kaiwa: CommandLine, fake: FakeKaiwa, tmp_path: Path) -> None:
    home = tmp_path / "elsewhere"
    home.mkdir()
    learner = {"email": EMAIL, "password": PASSWORD}
    (home / "demo.json").write_text(json.dumps({"learner": learner}), "utf-8")
    kaiwa.environment["KAIWA_HOME"] = str(home)
    assert await kaiwa("whoami") == 0


async def test_the_demo_learner_is_for_this_machine_only(learner: CommandLine, fake: FakeKaiwa) -> None:
    assert await learner("whoami", "--address", "kaiwa.invalid:50051") == 3
    assert "Login" not in fake.state.calls


async def test_an_unknown_demo_learner_is_told_as_such(learner: CommandLine, fake: FakeKaiwa) -> None:
    fake.state.passwords.clear()
    assert await learner("history") == 4
    assert "Nobody is signed in" in learner.err
    assert "demo" in learner.err


async def test_a_login_goes_before_the_demo_learner_until_logout(learner: CommandLine, fake: FakeKaiwa) -> None:
    learner.environment["KAIWA_PASSWORD"] = PASSWORD
    assert await learner("login", "--email", EMAIL) == 0
    assert learner.out == f"Signed in to {fake.address} as mika (mika@example.com).\n"
    await learner("whoami")
    assert fake.state.calls == ["Login", "GetMe"]
    assert await learner("logout") == 0
    assert fake.state.sessions == []
    await learner("whoami")
    assert fake.state.calls == ["Login", "GetMe", "Logout", "Login", "GetMe"]


async def test_a_token_goes_before_everything(learner: CommandLine, fake: FakeKaiwa) -> None:
    token = fake.state.new_session().access_token
    assert await learner("whoami", "--token", token) == 0
    learner.environment["KAIWA_TOKEN"] = token
    assert await learner("--address", fake.address, "whoami") == 0
    assert fake.state.calls == ["GetMe", "GetMe"]
    fake.state.expired.add(token)
    assert await learner("whoami") == 4
    assert "Sign in again: kaiwa login (TOKEN_EXPIRED)" in learner.err
