from __future__ import annotations

from datetime import timedelta

from server.kernel.paging import PageRequest
from tests.support.accounts import REFRESH_LIFE, Accounts, make_user, sign_in

OTHER = "0198c0de-0000-7000-9000-000000000002"


async def test_lists_the_callers_live_sessions_the_last_refreshed_first(accounts: Accounts) -> None:
    accounts.add_user(make_user())
    accounts.add_user(make_user(OTHER, email="other@example.com", username="other"))
    await accounts.caller("other")
    old = (await accounts.login(sign_in())).tokens
    accounts.clock.advance(timedelta(hours=1))
    ended, caller = await accounts.caller(), await accounts.caller()
    await accounts.logout(ended, None)
    accounts.clock.advance(timedelta(hours=1))
    await accounts.refresh_tokens(old.refresh_token, None, "")

    page = await accounts.list_sessions(caller, PageRequest())

    assert [session.id for session in page.items] == [old.session_id, caller.session_id]
    assert page.next is None


async def test_leaves_out_what_has_run_out(accounts: Accounts) -> None:
    accounts.add_user(make_user())
    await accounts.caller()
    accounts.clock.advance(REFRESH_LIFE)
    caller = await accounts.caller()

    page = await accounts.list_sessions(caller, PageRequest())

    assert [session.id for session in page.items] == [caller.session_id]


async def test_goes_on_where_a_page_ended(accounts: Accounts) -> None:
    accounts.add_user(make_user())
    callers = [await accounts.caller() for _ in range(5)]

    seen, page = [], PageRequest(2)
    while True:
        found = await accounts.list_sessions(callers[0], page)
        seen += [session.id for session in found.items]
        if found.next is None:
            break
        page = PageRequest(2, found.next)

    assert seen == [caller.session_id for caller in reversed(callers)]
