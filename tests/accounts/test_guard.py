"""Attempts at passwords, names and mailboxes: limited the same for what exists and what does not, never for good."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise

import pytest

from server.accounts.domain.ladder import FAILURES, GUESSES, MAILS, NAMES, Ladder
from server.accounts.domain.password import Password
from server.accounts.request_email_verification import NewAddress
from server.errors import ApplicationError, InvalidInput, Reason, ResourceExhausted
from tests.support.accounts import HOME, Accounts, make_user, registration, sign_in

ELSEWHERE = "198.51.100.7"
WRONG = "wrong horse"
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Answer:
    """All that a client sees of a refusal."""

    reason: Reason
    message: str
    metadata: dict[str, str]
    retry_after: timedelta | None


async def answer(work: Coroutine[object, object, object]) -> Answer | None:
    """How a call fails; None when it does not."""
    try:
        await work
    except ApplicationError as error:
        return Answer(error.reason, error.message, dict(error.metadata), error.retry_after)
    return None


async def limited(work: Coroutine[object, object, object]) -> ResourceExhausted:
    with pytest.raises(ResourceExhausted) as refused:
        await work
    assert refused.value.reason is Reason.RATE_LIMITED
    return refused.value


async def attack(accounts: Accounts, login: str = "mika", network: str = ELSEWHERE, times: int = 50) -> None:
    for _ in range(times):
        assert await answer(accounts.login(sign_in(login, WRONG, network))) is not None


def test_pauses_double_up_to_the_longest() -> None:
    ladder = Ladder(3, timedelta(seconds=1), timedelta(seconds=10), DAY)

    seconds = [ladder.pause(attempts).total_seconds() for attempts in range(1, 10)]

    assert seconds == [0, 0, 1, 2, 4, 8, 10, 10, 10]
    assert ladder.pause(10**9) == ladder.longest_pause


async def test_guesses_get_longer_and_longer_pauses(accounts: Accounts) -> None:
    accounts.add_user(make_user())
    pauses = []
    for _ in range(GUESSES.free + 15):
        refused = await answer(accounts.login(sign_in(password=WRONG, network=ELSEWHERE)))
        assert refused is not None
        if refused.reason is Reason.RATE_LIMITED:
            assert refused.retry_after is not None
            pauses.append(refused.retry_after)
            accounts.clock.advance(refused.retry_after)

    assert pauses[0] == timedelta(seconds=1)
    assert all(later in {2 * earlier, GUESSES.longest_pause} for earlier, later in pairwise(pauses))
    assert len(accounts.hasher.compared) == GUESSES.free + 15 - len(pauses)


async def test_who_asks_too_early_waits_no_longer_for_it(accounts: Accounts) -> None:
    await attack(accounts, times=GUESSES.free)
    first = await limited(accounts.login(sign_in("mika", WRONG, ELSEWHERE)))
    again = [await limited(accounts.login(sign_in("mika", WRONG, ELSEWHERE))) for _ in range(5)]

    assert {refused.retry_after for refused in again} == {first.retry_after}
    accounts.clock.advance(timedelta(seconds=1))
    refused = await answer(accounts.login(sign_in("mika", WRONG, ELSEWHERE)))
    assert refused is not None
    assert refused.reason is Reason.INVALID_CREDENTIALS


async def test_nobody_learns_from_the_limits_whether_there_is_an_account(accounts: Accounts) -> None:
    accounts.add_user(make_user())
    accounts.add_user(
        make_user("0198c0de-0000-7000-9000-0000000000b1", email="closed@example.com", username="closed", active=False)
    )
    names = ["mika@example.com", "nobody@example.com", "closed@example.com", "nobody"]
    seen: dict[str, list[Answer | None]] = {name: [] for name in names}
    for step in range(GUESSES.free + 12):
        for name in names:
            # Each from a network of its own, so that the network's count says nothing.
            refused = await answer(accounts.login(sign_in(name, WRONG, f"203.0.113.{names.index(name)}")))
            seen[name].append(refused)
        accounts.clock.advance(timedelta(seconds=step % 3))

    assert all(answers == seen[names[0]] for answers in seen.values())
    assert {refused.reason for refused in seen[names[0]] if refused} == {
        Reason.INVALID_CREDENTIALS,
        Reason.RATE_LIMITED,
    }


async def test_of_many_guesses_at_once_none_is_uncounted(accounts: Accounts) -> None:
    accounts.add_user(make_user())

    await asyncio.gather(*(answer(accounts.login(sign_in(password=WRONG, network=ELSEWHERE))) for _ in range(100)))

    assert len(accounts.hasher.compared) <= GUESSES.free


async def test_who_has_many_networks_has_no_more_guesses(accounts: Accounts) -> None:
    accounts.add_user(make_user())

    for number in range(100):
        await attack(accounts, "MIKA@example.com ", f"2001:db8:0:{number:x}::/64", times=1)

    assert len(accounts.hasher.compared) == GUESSES.free


async def test_the_owner_gets_in_where_they_have_been_though_others_go_on_guessing(accounts: Accounts) -> None:
    accounts.add_user(make_user())
    await accounts.login(sign_in())

    for _ in range(5):
        await attack(accounts)
        await attack(accounts, "mika@example.com")
        await accounts.login(sign_in())
        await accounts.login(sign_in("mika"))
        accounts.clock.advance(timedelta(hours=5))


async def test_where_they_have_been_guesses_are_limited_too(accounts: Accounts) -> None:
    accounts.add_user(make_user())
    await accounts.login(sign_in())

    await attack(accounts, "mika@example.com", HOME)

    assert len(accounts.hasher.compared) == 1 + GUESSES.free
    refused = await limited(accounts.login(sign_in()))
    assert refused.retry_after is not None
    accounts.clock.advance(refused.retry_after)
    await accounts.login(sign_in())
    await attack(accounts, "mika@example.com", HOME, times=GUESSES.free - 1)
    await accounts.login(sign_in())


async def test_the_owner_gets_in_anywhere_by_the_mail(accounts: Accounts) -> None:
    accounts.add_user(make_user())
    new = Password("battery staple")
    await attack(accounts, "mika@example.com")
    await attack(accounts, "mika@example.com", HOME)
    await limited(accounts.login(sign_in()))

    await accounts.request_password_reset("mika@example.com", HOME, None)
    await accounts.background.finish()
    await accounts.reset_password(accounts.mailed_token(), new, HOME)

    await accounts.login(sign_in(password=new.text))
    await accounts.login(sign_in("mika", password=new.text))


async def test_the_owner_gets_in_anywhere_after_the_pause(accounts: Accounts) -> None:
    accounts.add_user(make_user())
    await attack(accounts, "mika@example.com")
    refused = await limited(accounts.login(sign_in()))

    assert refused.retry_after is not None
    accounts.clock.advance(refused.retry_after)

    await accounts.login(sign_in())


async def test_a_network_that_tries_many_names_is_slowed_down(accounts: Accounts) -> None:
    accounts.add_user(make_user())
    await accounts.login(sign_in(network=ELSEWHERE))
    for number in range(FAILURES.free):
        await attack(accounts, f"name-{number}", times=1)

    await limited(accounts.login(sign_in("another name", WRONG, ELSEWHERE)))
    # Who has been there before is none of it.
    await accounts.login(sign_in(network=ELSEWHERE))
    await accounts.login(sign_in(network=HOME))


async def test_a_stolen_session_does_not_help_to_guess_the_password(accounts: Accounts) -> None:
    accounts.add_user(make_user())
    thief, owner = await accounts.caller(), await accounts.caller()
    guess, right, new = Password(WRONG), Password("correct horse"), Password("battery staple")
    for _ in range(GUESSES.free):
        with pytest.raises(InvalidInput):
            await accounts.change_password(thief, guess, new)

    await limited(accounts.change_password(thief, right, new))
    await limited(accounts.request_email_verification(thief, NewAddress("new@example.com", right), HOME, None))
    await accounts.change_password(owner, right, new)


async def test_the_right_password_forgets_the_guesses_of_a_session(accounts: Accounts) -> None:
    accounts.add_user(make_user())
    caller = await accounts.caller()
    for _ in range(3):
        for _ in range(GUESSES.free - 1):
            with pytest.raises(InvalidInput):
                await accounts.change_password(caller, Password(WRONG), Password("battery staple"))
        await accounts.change_password(caller, Password("correct horse"), Password("correct horse"))


async def test_asking_which_names_are_taken_is_limited_and_registering_is_not(accounts: Accounts) -> None:
    accounts.add_user(make_user())
    for number in range(2 * NAMES.free):
        made = registration(email=f"{number}@example.com", username=f"learner-{number}")
        await accounts.register(made)
    for _ in range(NAMES.free):
        refused = await answer(accounts.register(registration()))
        assert refused is not None
        assert refused.reason is Reason.EMAIL_TAKEN

    refused_now = await limited(accounts.register(registration()))

    assert refused_now.retry_after == timedelta(seconds=1)
    await accounts.register(registration(email="new@example.com", username="new", network=ELSEWHERE))


@pytest.mark.parametrize("address", ["mika@example.com", "nobody@example.com"])
async def test_a_mailbox_is_not_flooded_whether_it_is_known_or_not(accounts: Accounts, address: str) -> None:
    accounts.add_user(make_user())
    for number in range(MAILS.free):
        await accounts.request_password_reset(address, f"203.0.113.{number}", None)

    refused = await limited(accounts.request_password_reset(address.upper(), ELSEWHERE, None))

    assert refused.retry_after == timedelta(minutes=1)
    await accounts.request_password_reset("other@example.com", ELSEWHERE, None)
    await accounts.background.finish()


async def test_others_do_not_keep_the_mail_from_the_owner(accounts: Accounts) -> None:
    accounts.add_user(make_user())
    await accounts.login(sign_in())
    for _ in range(MAILS.free + 1):
        await answer(accounts.request_password_reset("mika@example.com", ELSEWHERE, None))

    await accounts.request_password_reset("mika@example.com", HOME, None)
    await accounts.background.finish()


async def test_an_account_does_not_flood_mailboxes(accounts: Accounts) -> None:
    accounts.add_user(make_user())
    caller = await accounts.caller()
    for number in range(MAILS.free):
        wanted = NewAddress(f"{number}@example.com", Password("correct horse"))
        await accounts.request_email_verification(caller, wanted, HOME, None)
        await accounts.background.finish()

    await limited(accounts.request_email_verification(caller, None, HOME, None))


async def test_counts_tell_no_names_and_no_networks(accounts: Accounts) -> None:
    accounts.add_user(make_user())
    await accounts.login(sign_in())
    await attack(accounts)
    await accounts.request_password_reset("mika@example.com", HOME, None)
    await accounts.background.finish()

    kept = repr(vars(accounts.tally))

    assert accounts.tally.size > 3
    assert not any(text in kept for text in ("mika", "example.com", HOME, ELSEWHERE))


async def test_refusals_take_whole_steps_whatever_was_compared(accounts: Accounts) -> None:
    accounts.add_user(make_user())
    held = []
    for login, taken in (("nobody", 0.03), ("mika", 0.26), ("nobody", 0.999), ("mika", 1.21)):

        async def compare(taken: float = taken) -> None:
            accounts.steady.seconds += taken

        accounts.hasher.meanwhile = compare
        began = accounts.steady.now()
        assert await answer(accounts.login(sign_in(login, WRONG))) is not None
        held.append(round(accounts.steady.now() - began, 6))

    assert held == [1.0, 1.0, 1.0, 2.0]
    assert await answer(accounts.login(sign_in())) is None
    assert len(accounts.steady.slept) == 4
