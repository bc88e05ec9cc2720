from __future__ import annotations

from dataclasses import asdict, replace
from datetime import timedelta

import pytest

from server.accounts.update_me import ProfileChange
from server.errors import AlreadyExists, InvalidInput, Reason, Unauthenticated
from tests.support.accounts import Accounts, make_user

OTHER = "0198c0de-0000-7000-9000-000000000002"


async def test_changes_what_is_named_and_nothing_else(accounts: Accounts) -> None:
    before = accounts.add_user(make_user())
    caller = await accounts.caller()
    accounts.clock.advance(timedelta(hours=1))

    after = await accounts.update_me(caller, ProfileChange(time_zone="Asia/Tokyo", day_turn_hour=0))

    assert after == replace(before, time_zone="Asia/Tokyo", day_turn_hour=0, updated_at=accounts.clock.now())
    assert accounts.state.users[before.id].user == after
    moved = (before.id, (before.time_zone, before.day_turn_hour), ("Asia/Tokyo", 0), accounts.clock.now())
    assert accounts.database.changed_days == [moved]


async def test_learning_is_not_told_of_what_is_none_of_its_business(accounts: Accounts) -> None:
    user = accounts.add_user(make_user())
    await accounts.update_me(await accounts.caller(), ProfileChange(level=3, time_zone=user.time_zone))
    assert accounts.database.changed_days == []


@pytest.mark.parametrize(
    "change",
    [
        ProfileChange(username="Mika.2"),
        ProfileChange(native_language="pt-BR"),
        ProfileChange(level=10),
        ProfileChange(time_zone="Europe/Berlin"),
        ProfileChange(day_turn_hour=23),
        ProfileChange(voice_retention_days=30),
        ProfileChange(native_language="de", target_language="ja", level=2, voice_retention_days=1),
    ],
)
async def test_each_field_can_be_changed(accounts: Accounts, change: ProfileChange) -> None:
    user = accounts.add_user(make_user())

    after = await accounts.update_me(await accounts.caller(), change)

    given = {name: value for name, value in asdict(change).items() if value is not None}
    assert {name: getattr(after, name) for name in given} == given
    assert accounts.state.users[user.id].user == after


async def test_what_changes_nothing_leaves_its_time(accounts: Accounts) -> None:
    before = accounts.add_user(make_user())
    caller = await accounts.caller()
    accounts.clock.advance(timedelta(hours=1))

    assert await accounts.update_me(caller, ProfileChange(username="mika")) == before


@pytest.mark.parametrize(
    ("name", "empty"),
    [
        ("username", ProfileChange(username="")),
        ("native_language", ProfileChange(native_language="")),
        ("target_language", ProfileChange(target_language="")),
        ("level", ProfileChange(level=0)),
        ("time_zone", ProfileChange(time_zone="")),
    ],
)
async def test_what_can_not_be_empty_is_refused(accounts: Accounts, name: str, empty: ProfileChange) -> None:
    accounts.add_user(make_user())

    with pytest.raises(InvalidInput) as refused:
        await accounts.update_me(await accounts.caller(), empty)

    assert (refused.value.reason, refused.value.metadata) == (Reason.INVALID_FIELD, {"field": f"user.{name}"})


async def test_an_unknown_time_zone_is_refused(accounts: Accounts) -> None:
    accounts.add_user(make_user())

    with pytest.raises(InvalidInput) as refused:
        await accounts.update_me(await accounts.caller(), ProfileChange(time_zone="Mars/Olympus"))

    assert refused.value.reason is Reason.TIME_ZONE_UNKNOWN
    assert refused.value.metadata == {"field": "user.time_zone", "time_zone": "Mars/Olympus"}


async def test_anothers_username_is_refused_and_ones_own_in_another_case_is_not(accounts: Accounts) -> None:
    accounts.add_user(make_user())
    accounts.add_user(make_user(OTHER, email="other@example.com", username="other"))
    caller = await accounts.caller()

    with pytest.raises(AlreadyExists) as refused:
        await accounts.update_me(caller, ProfileChange(username="OTHER"))

    assert refused.value.reason is Reason.USERNAME_TAKEN
    assert refused.value.metadata == {"field": "user.username"}
    assert (await accounts.update_me(caller, ProfileChange(username="MIKA"))).username == "MIKA"


async def test_an_account_that_has_just_gone(accounts: Accounts) -> None:
    user = accounts.add_user(make_user())
    caller = await accounts.caller()
    del accounts.state.users[user.id]

    with pytest.raises(Unauthenticated) as refused:
        await accounts.update_me(caller, ProfileChange(level=2))
    assert refused.value.reason is Reason.SESSION_REVOKED
