"""Lists that come in pages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

Item = TypeVar("Item")
_LARGEST_PAGE = 200


async def collect(page: Callable[[int, str], Awaitable[tuple[list[Item], str]]], limit: int) -> list[Item]:
    """The first `limit` items, fetched page by page.

    Args:
        page: fetches a page of at most so many items behind a token, and gives the token of the next.
        limit: how many items are wanted, at least 1.
    """
    items: list[Item] = []
    token = ""
    while True:
        found, token = await page(min(_LARGEST_PAGE, limit - len(items)), token)
        items += found
        if not token or len(items) >= limit:
            return items[:limit]
