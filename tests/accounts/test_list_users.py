from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from server.accounts.domain.administration import UserFilter
from server.kernel.identity import Role, UserId
from server.kernel.paging import PageRequest
from tests.support.accounts import Accounts, make_user
from tests.support.kernel import NOON

MIKA = make_user()
KEN = replace(
    make_user("0198c0de-0000-7000-9000-000000000002", email="Ken@other.example", username="ken", role=Role.TEACHER),
    created_at=NOON + timedelta(hours=1),
    verified=True,
)
ANN = make_user("0198c0de-0000-7000-9000-000000000003", email="ann@example.com", username="ann.example", active=False)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (UserFilter(), [KEN, ANN, MIKA]),
        (UserFilter(text="example.com"), [ANN, MIKA]),
        (UserFilter(text="ken@"), [KEN]),
        (UserFilter(text="ann.ex"), [ANN]),
        (UserFilter(text="%"), []),
        (UserFilter(role=Role.TEACHER), [KEN]),
        (UserFilter(active=False), [ANN]),
        (UserFilter(active=True, verified=False), [MIKA]),
        (UserFilter(verified=True), [KEN]),
    ],
)
async def test_lists_who_is_wanted_the_newest_first(
    accounts: Accounts, wanted: UserFilter, found: list[object]
) -> None:
    for user in (MIKA, KEN, ANN):
        accounts.add_user(user)

    page = await accounts.list_users(wanted, PageRequest())

    assert list(page.items) == found
    assert page.next is None


async def test_goes_on_where_a_page_ended(accounts: Accounts) -> None:
    ids = [UserId(f"0198c0de-0000-7000-9000-00000000001{number}") for number in range(5)]
    for number, user_id in enumerate(ids):
        accounts.add_user(make_user(user_id, email=f"{number}@example.com", username=f"user-{number}"))

    first = await accounts.list_users(UserFilter(), PageRequest(3))
    second = await accounts.list_users(UserFilter(), PageRequest(3, first.next))

    assert [user.id for user in (*first.items, *second.items)] == ids[::-1]
    assert second.next is None
