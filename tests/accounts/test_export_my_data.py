"""ExportMyData: one export at a time of each kind, five a day."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from server.accounts.repeat import Repeat
from server.errors import AlreadyExists, Reason, ResourceExhausted, Unauthenticated
from server.kernel.identity import Caller
from tests.support.accounts import Accounts, make_user
from tests.support.kernel import NOON

ONE = Repeat("7d0c7b5e-0000-4000-8000-000000000001", b"1" * 32)


@pytest.fixture
async def mika(accounts: Accounts) -> Caller:
    accounts.add_user(make_user())
    return await accounts.caller()


def end(accounts: Accounts, job_id: str) -> None:
    accounts.state.exports[job_id] = replace(accounts.state.exports[job_id], state="succeeded")


async def test_an_export_that_has_not_ended_is_the_answer(accounts: Accounts, mika: Caller) -> None:
    first, second = await asyncio.gather(
        *(accounts.export_my_data(mika, omit_audio=False, repeat=None) for _ in range(2))
    )
    assert first == second
    without = await accounts.export_my_data(mika, omit_audio=True, repeat=None)
    assert without != first
    end(accounts, first)
    assert await accounts.export_my_data(mika, omit_audio=False, repeat=None) not in {first, without}
    assert [each.omit_audio for each in accounts.state.exports.values()] == [False, True, False]


async def test_five_in_a_day(accounts: Accounts, mika: Caller) -> None:
    for _ in range(5):
        end(accounts, await accounts.export_my_data(mika, omit_audio=False, repeat=None))
        accounts.clock.advance(timedelta(hours=1))
    with pytest.raises(ResourceExhausted) as refused:
        await accounts.export_my_data(mika, omit_audio=False, repeat=None)
    assert refused.value.reason is Reason.RATE_LIMITED
    assert refused.value.metadata == {"limit": "5", "period_seconds": "86400"}
    assert refused.value.retry_after == timedelta(hours=19)
    accounts.clock.at = NOON + timedelta(days=1)
    await accounts.export_my_data(mika, omit_audio=False, repeat=None)


async def test_a_repeat_gets_the_first_answer(accounts: Accounts, mika: Caller) -> None:
    first = await accounts.export_my_data(mika, omit_audio=False, repeat=ONE)
    end(accounts, first)
    assert await accounts.export_my_data(mika, omit_audio=False, repeat=ONE) == first
    with pytest.raises(AlreadyExists) as refused:
        await accounts.export_my_data(mika, omit_audio=True, repeat=replace(ONE, body_hash=b"2" * 32))
    assert refused.value.reason is Reason.REQUEST_ID_REUSED
    assert len(accounts.state.exports) == 1


async def test_an_account_that_is_gone(accounts: Accounts, mika: Caller) -> None:
    accounts.state.users.clear()
    with pytest.raises(Unauthenticated) as refused:
        await accounts.export_my_data(mika, omit_audio=False, repeat=None)
    assert refused.value.reason is Reason.SESSION_REVOKED
