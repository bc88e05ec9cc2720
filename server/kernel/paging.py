"""Keyset pagination: a page starts after a position in the order, never at an offset."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")

DEFAULT_PAGE_SIZE = 50
MAX_PAGE_SIZE = 200


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which page is wanted.

    Attributes:
        size: how many items, 1 to `MAX_PAGE_SIZE`.
        after: values of the order's columns in the last item of the page before, as text; None for the first page.
    """

    size: int = DEFAULT_PAGE_SIZE
    after: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a list.

    Attributes:
        items: the items, in order.
        next: the position to continue after; None when this is the last page.
    """

    items: tuple[T, ...]
    next: tuple[str, ...] | None
