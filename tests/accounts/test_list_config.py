from __future__ import annotations

from server.kernel.paging import PageRequest
from tests.support.accounts import Accounts


async def test_lists_entries_in_the_order_of_their_keys_by_prefix_and_page(accounts: Accounts) -> None:
    for key in ("limits.b", "app.z", "limits.a", "limits_c"):
        accounts.add_config(key, "1")

    everything = await accounts.list_config("", PageRequest())
    first = await accounts.list_config("limits", PageRequest(2))
    second = await accounts.list_config("limits", PageRequest(2, first.next))

    assert [entry.key for entry in everything.items] == ["app.z", "limits.a", "limits.b", "limits_c"]
    assert [entry.key for entry in first.items] == ["limits.a", "limits.b"]
    assert [entry.key for entry in second.items] == ["limits_c"]
    assert second.next is None
