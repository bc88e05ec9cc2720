"""The keys of a folder as they are now: a server that runs takes up keys that are added and drops those removed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from server.adapters.tokens.keys import KeyRing, KeysError, SigningKey, load_keys

_log = structlog.get_logger("kaiwa.keys")


class KeyFolder:
    """The keys of a folder. Safe to use from several threads.

    Args:
        folder: as `ensure_keys` makes it.
        steady: seconds of a clock that never goes back.
        every: how often to look for changes at most; a key that a token names and that is not known is looked for at
            once, so that replicas know each other's new keys.

    Raises:
        KeysError: the folder can't be used. Later, the keys known so far are kept, and the log says why.
    """

    def __init__(
        self, folder: Path, *, steady: Callable[[], float] = time.monotonic, every: timedelta = timedelta(seconds=1)
    ) -> None:
        self._folder = folder
        self._steady = steady
        self._every = every.total_seconds()
        self._lock = threading.Lock()
        self._seen = self._print()
        self._ring = load_keys(folder)
        self._looked_at = steady()
        self._problem: str | None = None

    @property
    def keys(self) -> tuple[SigningKey, ...]:
        """All keys, the newest last."""
        return self._current().keys

    @property
    def signer(self) -> SigningKey:
        """The key that signs new tokens."""
        return self._current().signer

    def verifier(self, key_id: str) -> tuple[str, Ed25519PublicKey] | None:
        """The one algorithm that a key is accepted with, and its public half; None for an unknown id."""
        return self._current().verifier(key_id) or self._look().verifier(key_id)

    def _current(self) -> KeyRing:
        return self._look() if self._steady() - self._looked_at >= self._every else self._ring

    def _look(self) -> KeyRing:
        with self._lock:
            self._looked_at = self._steady()
            try:
                if (seen := self._print()) != self._seen:
                    self._ring, self._seen = load_keys(self._folder), seen
                    _log.info("keys loaded", keys=[key.id for key in self._ring.keys], signs=self._ring.signer.id)
                self._problem = None
            except (KeysError, OSError) as error:
                if str(error) != self._problem:
                    self._problem = str(error)
                    _log.error("keys not loaded, going on with those known", problem=self._problem)
            return self._ring

    def _print(self) -> tuple[tuple[str, int, int, int], ...]:
        """What tells one state of the folder from another."""
        files = ((path.name, path.stat()) for path in sorted(self._folder.glob("*.pem")))
        return tuple((name, stat.st_ino, stat.st_size, stat.st_mtime_ns) for name, stat in files)
