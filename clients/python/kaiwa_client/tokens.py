"""Where the tokens of a session are kept."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Protocol

from kaiwa_client.clock import Clock, SystemClock

_LOCK_POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens of a session.

    Attributes:
        access_token: sent with every call.
        access_expires: when it ends.
        refresh_token: good for one refresh.
        refresh_expires: when it and the session end.
        login: whom they belong to, as they signed in.
        pending_refresh_id: the request id of a refresh that was begun and may not have been answered; it is used
            again for the next try, so that an answer that got lost does not cost the session.
    """

    access_token: str
    access_expires: datetime
    refresh_token: str
    refresh_expires: datetime
    login: str = ""
    pending_refresh_id: str = ""


class TokenStore(Protocol):
    """Keeps one session."""

    def load(self) -> Tokens | None:
        """The session; None when there is none."""
        ...

    def save(self, tokens: Tokens) -> None:
        """Puts the session in the place of the one before."""
        ...

    def clear(self) -> None:
        """Forgets the session."""
        ...

    def exclusive(self) -> AbstractAsyncContextManager[None]:
        """Keeps others who share the store from refreshing at the same time; not re-entrant."""
        ...


class MemoryTokenStore:
    """A store that ends with the process."""

    def __init__(self, tokens: Tokens | None = None) -> None:
        self._tokens = tokens

    def load(self) -> Tokens | None:
        return self._tokens

    def save(self, tokens: Tokens) -> None:
        self._tokens = tokens

    def clear(self) -> None:
        self._tokens = None

    @contextlib.asynccontextmanager
    async def exclusive(self) -> AsyncIterator[None]:
        yield


class FileTokenStore:
    """A store in a JSON file that only its owner can read (mode 0600), shared by processes.

    A file that is damaged counts as none.
    """

    def __init__(self, path: Path, clock: Clock | None = None) -> None:
        self._path = path
        self._clock = clock or SystemClock()

    def load(self) -> Tokens | None:
        try:
            data = json.loads(self._path.read_text(encoding="utf-8"))
            return Tokens(
                access_token=str(data["access_token"]),
                access_expires=datetime.fromisoformat(data["access_expires"]),
                refresh_token=str(data["refresh_token"]),
                refresh_expires=datetime.fromisoformat(data["refresh_expires"]),
                login=str(data.get("login", "")),
                pending_refresh_id=str(data.get("pending_refresh_id", "")),
            )
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def save(self, tokens: Tokens) -> None:
        data = {
            "login": tokens.login,
            "access_token": tokens.access_token,
            "access_expires": tokens.access_expires.isoformat(),
            "refresh_token": tokens.refresh_token,
            "refresh_expires": tokens.refresh_expires.isoformat(),
            "pending_refresh_id": tokens.pending_refresh_id,
        }
        self._make_folder()
        # mkstemp makes the file 0600; the rename makes the change whole or not at all.
        handle, name = tempfile.mkstemp(prefix=f".{self._path.name}.", dir=self._path.parent)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(data, file, indent=2)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(self._path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise

    def clear(self) -> None:
        self._path.unlink(missing_ok=True)

    @contextlib.asynccontextmanager
    async def exclusive(self) -> AsyncIterator[None]:
        self._make_folder()
        lock = self._path.with_suffix(".lock")
        handle = await self._locked(lock)
        try:
            yield
        finally:
            # Where nobody is signed in nothing is left behind.
            if not self._path.exists():
                lock.unlink(missing_ok=True)
            os.close(handle)

    async def _locked(self, lock: Path) -> int:
        """A file that is locked, and the one at that path: whoever had it before may have deleted it."""
        while True:
            handle = os.open(lock, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if _is_at(lock, handle):
                    return handle
            except BlockingIOError:
                os.close(handle)
                await self._clock.sleep(_LOCK_POLL_SECONDS)
            except BaseException:
                os.close(handle)
                raise
            else:
                os.close(handle)

    def _make_folder(self) -> None:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)


def _is_at(path: Path, handle: int) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False


def with_login(tokens: Tokens, login: str) -> Tokens:
    """The tokens with the name of their owner."""
    return replace(tokens, login=login)
