"""Hashes passwords with Argon2id, verifies bcrypt hashes from elsewhere, and does both off the event loop."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import ParamSpec, TypeVar

import argon2
import bcrypt

from server.accounts.domain.password import Password
from server.accounts.ports import Verdict
from server.errors import Reason, ResourceExhausted

P = ParamSpec("P")
T = TypeVar("T")

_BCRYPT_PREFIXES = ("$2a$", "$2b$", "$2x$", "$2y$")
_BCRYPT_BYTES = 72
"""bcrypt looks at no more; libraries used to cut silently, so hashes from elsewhere were made that way."""
_NICE = 5
"""How far hashing steps back behind the event loop: it still gets a third as much of a core that both want."""


@dataclass(frozen=True, slots=True)
class Argon2Cost:
    """What one hash costs. The default is the first choice of OWASP's Password Storage Cheat Sheet for Argon2id.

    Attributes:
        memory_kib: memory of one hash.
        passes: passes over it.
        lanes: threads of one hash.
    """

    memory_kib: int = 19_456
    passes: int = 2
    lanes: int = 1


class Argon2Passwords:
    """Hashes and compares passwords in its own bounded pool of threads.

    Args:
        threads: hashes at once; each takes a core and the memory of its cost. None: half the cores, so that other calls
            and the database have the rest.
        waiting: calls that may wait for a thread; further ones are refused.
        cost: of new hashes; a stored hash of another cost is outdated.
    """

    def __init__(self, *, threads: int | None = None, waiting: int = 128, cost: Argon2Cost | None = None) -> None:
        cost = cost or Argon2Cost()
        self._argon2 = argon2.PasswordHasher(
            time_cost=cost.passes,
            memory_cost=cost.memory_kib,
            parallelism=cost.lanes,
            type=argon2.Type.ID,
        )
        # Compared with where there is no account, so that the answer takes as long as where there is one.
        self._nobody = self._argon2.hash("the password of nobody")
        self.threads = threads or max(1, _cores() // 2)
        self._executor = ThreadPoolExecutor(self.threads, thread_name_prefix="passwords", initializer=_step_back)
        self._limit = self.threads + waiting
        self._under_way = 0

    async def hash(self, password: Password) -> str:
        """An Argon2id hash with a salt of its own, in PHC format.

        Raises:
            ResourceExhausted: RATE_LIMITED, when too many wait already.
        """
        return await self._run(self._argon2.hash, password.normalized)

    async def verify(self, password: Password, stored: str | None) -> Verdict:
        """Compares a password with a stored hash; None never matches and takes as long.

        Raises:
            ResourceExhausted: RATE_LIMITED, when too many wait already.
        """
        return await self._run(self._verify, password, stored)

    def close(self) -> None:
        """Ends the threads once what they are at is done."""
        self._executor.shutdown(cancel_futures=True)

    def _verify(self, password: Password, stored: str | None) -> Verdict:
        if stored is None:
            self._matches_argon2(password, self._nobody)
            return Verdict(matches=False)
        if stored.startswith(_BCRYPT_PREFIXES):
            return Verdict(matches=_matches_bcrypt(password, stored), outdated=True)
        matches = self._matches_argon2(password, stored)
        return Verdict(matches, outdated=matches and self._argon2.check_needs_rehash(stored))

    def _matches_argon2(self, password: Password, stored: str) -> bool:
        try:
            return self._argon2.verify(stored, password.normalized)
        except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
            return False

    async def _run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        if self._under_way >= self._limit:
            raise ResourceExhausted(
                Reason.RATE_LIMITED,
                "Too many people are signing in at this moment.",
                metadata={"limit": str(self._limit)},
                retry_after=timedelta(seconds=2),
            )
        self._under_way += 1
        try:
            # A caller that goes away takes back work that has not begun; what has begun ends by itself.
            return await asyncio.get_running_loop().run_in_executor(self._executor, lambda: work(*args, **kwargs))
        finally:
            self._under_way -= 1


def _cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _step_back() -> None:
    """Lets this thread give way to the event loop and the database where there are too few cores for all."""
    if sys.platform == "linux":
        # Only Linux has a niceness for each thread.
        with contextlib.suppress(OSError):
            thread = threading.get_native_id()
            os.setpriority(os.PRIO_PROCESS, thread, os.getpriority(os.PRIO_PROCESS, thread) + _NICE)


def _matches_bcrypt(password: Password, stored: str) -> bool:
    """Compares as the hash was made elsewhere: as typed, or normalised."""
    try:
        return any(
            bcrypt.checkpw(text.encode()[:_BCRYPT_BYTES], stored.encode())
            for text in dict.fromkeys((password.text, password.normalized))
        )
    except ValueError:
        return False
