from __future__ import annotations

import asyncio
import os
import sys
import threading
import unicodedata
from collections.abc import Iterator

import bcrypt
import pytest

from server.accounts.domain.password import Password
from server.accounts.ports import Verdict
from server.adapters.passwords import Argon2Cost, Argon2Passwords
from server.errors import Reason, ResourceExhausted

CHEAP = Argon2Cost(memory_kib=64, passes=1)
PASSWORD = Password("正しい馬 crème")
MATCH, NO_MATCH = Verdict(matches=True), Verdict(matches=False)


@pytest.fixture
def passwords() -> Iterator[Argon2Passwords]:
    hasher = Argon2Passwords(threads=1, waiting=2, cost=CHEAP)
    yield hasher
    hasher.close()


async def test_a_hash_matches_its_password_only(passwords: Argon2Passwords) -> None:
    stored = await passwords.hash(PASSWORD)

    assert stored.startswith("$argon2id$v=19$m=64,t=1,p=1$")
    assert stored != await passwords.hash(PASSWORD)
    assert await passwords.verify(PASSWORD, stored) == MATCH
    assert await passwords.verify(Password("wrong horse"), stored) == NO_MATCH
    assert await passwords.verify(PASSWORD, None) == NO_MATCH


async def test_keyboards_that_compose_differently_agree(passwords: Argon2Passwords) -> None:
    stored = await passwords.hash(PASSWORD)

    assert await passwords.verify(Password(unicodedata.normalize("NFD", PASSWORD.text)), stored) == MATCH
    assert await passwords.verify(Password(PASSWORD.text.replace("crème", "ｃｒème")), stored) == MATCH


async def test_a_hash_of_another_cost_is_outdated(passwords: Argon2Passwords) -> None:
    cheaper = Argon2Passwords(threads=1, cost=Argon2Cost(memory_kib=32, passes=1))
    stored = await cheaper.hash(PASSWORD)
    cheaper.close()

    assert await passwords.verify(PASSWORD, stored) == Verdict(matches=True, outdated=True)
    assert await passwords.verify(Password("wrong"), stored) == NO_MATCH


@pytest.mark.parametrize("prefix", ["2a", "2b", "2y"])
async def test_bcrypt_hashes_from_elsewhere_match_and_are_outdated(passwords: Argon2Passwords, prefix: str) -> None:
    stored = bcrypt.hashpw(PASSWORD.text.encode(), bcrypt.gensalt(4)).decode().replace("$2b$", f"${prefix}$")

    assert await passwords.verify(PASSWORD, stored) == Verdict(matches=True, outdated=True)
    assert not (await passwords.verify(Password("wrong"), stored)).matches


async def test_bcrypt_hashes_of_what_was_typed_match(passwords: Argon2Passwords) -> None:
    typed = unicodedata.normalize("NFD", PASSWORD.text)
    stored = bcrypt.hashpw(typed.encode(), bcrypt.gensalt(4)).decode()

    assert (await passwords.verify(Password(typed), stored)).matches


async def test_bcrypt_hashes_of_long_passwords_match(passwords: Argon2Passwords) -> None:
    stored = bcrypt.hashpw(b"a" * 72, bcrypt.gensalt(4)).decode()

    assert (await passwords.verify(Password("a" * 100), stored)).matches


@pytest.mark.parametrize("stored", ["", "plain", "$2b$", "$argon2id$v=19$broken", "$1$md5$hash"])
async def test_what_is_no_hash_never_matches(passwords: Argon2Passwords, stored: str) -> None:
    assert not (await passwords.verify(PASSWORD, stored)).matches


async def test_refuses_when_too_many_wait(passwords: Argon2Passwords) -> None:
    answers = await asyncio.gather(*(passwords.hash(PASSWORD) for _ in range(5)), return_exceptions=True)

    refusals = [answer for answer in answers if isinstance(answer, ResourceExhausted)]
    assert [refusal.reason for refusal in refusals] == [Reason.RATE_LIMITED] * 2
    assert all(refusal.retry_after for refusal in refusals)
    assert await passwords.hash(PASSWORD)


async def test_works_off_the_event_loop(passwords: Argon2Passwords) -> None:
    before = {thread.name for thread in threading.enumerate()}
    await passwords.hash(PASSWORD)

    new = {thread.name for thread in threading.enumerate()} - before
    assert {name.partition("_")[0] for name in new} == {"passwords"}


async def test_a_caller_that_goes_away_makes_room(passwords: Argon2Passwords) -> None:
    waiting = [asyncio.ensure_future(passwords.hash(PASSWORD)) for _ in range(3)]
    await asyncio.sleep(0)
    for one in waiting:
        one.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)

    assert await passwords.hash(PASSWORD)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has a niceness for each thread")
async def test_steps_back_behind_the_event_loop(passwords: Argon2Passwords) -> None:
    await passwords.hash(PASSWORD)

    (thread,) = (thread for thread in threading.enumerate() if thread.name.startswith("passwords"))
    assert thread.native_id is not None
    loop = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    assert os.getpriority(os.PRIO_PROCESS, thread.native_id) == min(19, loop + 5)


async def test_leaves_half_of_the_cores_to_others() -> None:
    hasher = Argon2Passwords(cost=CHEAP)
    hasher.close()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    assert hasher.threads == max(1, cores // 2)
