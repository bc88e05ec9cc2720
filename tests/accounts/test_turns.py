from __future__ import annotations

import asyncio

import pytest

from server.accounts.even_times import EvenTimes
from server.accounts.login import Login
from server.accounts.session_tokens import SignedIn
from server.accounts.turns import Turns
from server.errors import Reason, ResourceExhausted, Unauthenticated
from tests.support.accounts import Accounts, make_user, sign_in


async def test_few_go_on_at_once_in_the_order_in_which_they_came() -> None:
    turns, going, most = Turns(2), 0, 0
    order: list[int] = []

    async def one(number: int) -> None:
        nonlocal going, most
        async with turns.turn():
            going += 1
            most = max(most, going)
            order.append(number)
            await asyncio.sleep(0)
            going -= 1

    await asyncio.gather(*(one(number) for number in range(20)))

    assert most == 2
    assert order == list(range(20))


async def test_too_many_that_wait_are_refused_and_leave_no_trace() -> None:
    turns, leave = Turns(1, waiting=2), asyncio.Event()

    async def one() -> None:
        async with turns.turn():
            await leave.wait()

    tasks = [asyncio.create_task(one()) for _ in range(5)]
    done, waiting = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    refusals = [task.exception() for task in done]
    assert len(waiting) == 3
    assert all(isinstance(refusal, ResourceExhausted) and refusal.retry_after for refusal in refusals)
    assert {refusal.reason for refusal in refusals if isinstance(refusal, ResourceExhausted)} == {Reason.RATE_LIMITED}

    # One that goes away makes room.
    waiting.pop().cancel()
    leave.set()
    await asyncio.gather(*waiting, return_exceptions=True)
    for _ in range(5):
        async with turns.turn():
            pass


async def test_refusals_are_held_back_outside_of_the_turn(accounts: Accounts) -> None:
    accounts.add_user(make_user())
    begun: list[SignedIn] = []

    async def hold(seconds: float) -> None:
        # Another's sign-in goes on meanwhile, though there is one turn only.
        begun.append(await login(sign_in()))

    login = Login(
        accounts.database,
        accounts.hasher,
        accounts.tokens,
        accounts.clock,
        accounts.guard,
        EvenTimes(accounts.steady.now, hold),
        Turns(1),
    )
    with pytest.raises(Unauthenticated):
        await login(sign_in(password="wrong horse"))

    assert len(begun) == 1
