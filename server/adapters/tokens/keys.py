"""The folder of keys: Ed25519 keys that sign access tokens, and the secret that page tokens are made with.

`<key id>.pem` holds a private key (PKCS #8); key ids sort by the time their keys were made. The last one signs, all of
them verify, so a key is rotated by adding one and removed when the last token it signed has expired. `secret.key` holds
32 random bytes. All servers that stand in for one another share the folder's contents.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import uuid
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from server.kernel.clock import IdSource

ALGORITHM = "EdDSA"
_SECRET_FILE = "secret.key"  # noqa: S105 - a file's name
_SECRET_BYTES = 32
_TAKE_UP = timedelta(minutes=1)
"""How long servers may take to see a new key: they look every second, their clocks and shared folders may be late."""


class KeysError(Exception):
    """The key folder can't be used. The message names the file and says why."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """One key.

    Attributes:
        id: the key's id, as in a token's header.
        private: what signs.
    """

    id: str
    private: Ed25519PrivateKey = field(repr=False)

    @property
    def public(self) -> Ed25519PublicKey:
        """What verifies."""
        return self.private.public_key()


class KeyRing:
    """The keys that a server accepts.

    Args:
        keys: at least one, the newest last.
    """

    def __init__(self, keys: tuple[SigningKey, ...]) -> None:
        if not keys:
            raise KeysError("there is no signing key")
        self._keys = keys
        self._verifiers = {key.id: key.public for key in keys}

    @property
    def keys(self) -> tuple[SigningKey, ...]:
        """All keys, the newest last."""
        return self._keys

    @property
    def signer(self) -> SigningKey:
        """The key that signs new tokens."""
        return self._keys[-1]

    def verifier(self, key_id: str) -> tuple[str, Ed25519PublicKey] | None:
        """The one algorithm that a key is accepted with, and its public half; None for an unknown id."""
        public = self._verifiers.get(key_id)
        return None if public is None else (ALGORITHM, public)


def ensure_keys(folder: Path, ids: IdSource) -> KeyRing:
    """Loads the keys, making the folder and a first key where there is none.

    Safe to call from several processes at once: all of them load the same keys.

    Args:
        folder: made with mode 0700; files in it with 0600.
        ids: makes the id of a first key.

    Raises:
        KeysError: the folder or a file in it can't be used.
    """
    with _locked(folder):
        if not any(folder.glob("*.pem")):
            _make(folder, ids)
    return load_keys(folder)


def add_key(folder: Path, ids: IdSource) -> None:
    """Makes a further key, which signs from the next load on (servers that run look for it every second).

    Args:
        folder: made, with mode 0700, where there is none.
        ids: makes the id of the key.

    Raises:
        KeysError: the folder can't be used.
    """
    with _locked(folder):
        _make(folder, ids)


@dataclass(frozen=True, slots=True)
class OldKey:
    """A key that signs no more.

    Attributes:
        id: the key's.
        needed_until: when the last token that it signed expires.
    """

    id: str
    needed_until: datetime


def old_keys(folder: Path, life: timedelta) -> tuple[OldKey, ...]:
    """The keys that sign no more, the oldest first; never the newest.

    Args:
        folder: as `ensure_keys` makes it.
        life: the longest that an access token lives.

    Raises:
        KeysError: the folder can't be used.
    """
    keys = load_keys(folder).keys
    return tuple(OldKey(key.id, _taken_up(folder, later.id) + _TAKE_UP + life) for key, later in pairwise(keys))


def remove_keys(folder: Path, ids: Collection[str]) -> None:
    """Removes keys; servers that run refuse their tokens within a second.

    Raises:
        KeysError: the newest is among them, or the folder can't be used.
    """
    with _locked(folder):
        if load_keys(folder).signer.id in ids:
            raise KeysError("the newest key signs; it can't be removed")
        for key_id in ids:
            try:
                (folder / f"{key_id}.pem").unlink(missing_ok=True)
            except OSError as error:
                raise KeysError(f"{folder / key_id}.pem: {error.strerror}") from error


def _taken_up(folder: Path, key_id: str) -> datetime:
    """When a key began to sign: when it was made, or came into the folder if that was later."""
    path = folder / f"{key_id}.pem"
    try:
        came = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except OSError as error:
        raise KeysError(f"{path}: {error.strerror}") from error
    try:
        named = uuid.UUID(key_id)
    except ValueError:
        return came
    # RFC 9562: the first 48 bits of a UUID of version 7 are the milliseconds since 1970.
    return max(came, datetime.fromtimestamp((named.int >> 80) / 1000, UTC)) if named.version == 7 else came


def load_keys(folder: Path) -> KeyRing:
    """Loads the keys of a folder.

    Raises:
        KeysError: there is none, or a file holds no unencrypted Ed25519 key.
    """
    return KeyRing(tuple(_load(path) for path in sorted(folder.glob("*.pem"))))


def page_token_secret(folder: Path) -> bytes:
    """The 32 bytes that page tokens are made with; made at first use, safely with several processes at once.

    Raises:
        KeysError: the folder or the file can't be used.
    """
    path = folder / _SECRET_FILE
    with _locked(folder):
        if not path.exists():
            _write(path, secrets.token_bytes(_SECRET_BYTES))
        try:
            secret = path.read_bytes()
        except OSError as error:
            raise KeysError(f"{path}: {error.strerror}") from error
    if len(secret) < _SECRET_BYTES:
        raise KeysError(f"{path}: has {len(secret)} bytes, needs {_SECRET_BYTES}")
    return secret


def _make(folder: Path, ids: IdSource) -> None:
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    _write(folder / f"{ids.new_id()}.pem", pem)


def _load(path: Path) -> SigningKey:
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        raise KeysError(f"{path}: {error.strerror}") from error
    except (ValueError, TypeError) as error:
        raise KeysError(f"{path}: is no unencrypted private key in PEM") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise KeysError(f"{path}: is no Ed25519 key")
    return SigningKey(path.stem, key)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Holds the folder's lock, which the system gives back if this process dies."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise KeysError(f"{folder}: {error.strerror}") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _write(path: Path, content: bytes) -> None:
    """Writes a file that is there whole or not at all, whatever happens meanwhile."""
    new = path.with_name(f".{path.name}.new")
    try:
        new.unlink(missing_ok=True)
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        new.rename(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise KeysError(f"{path}: {error.strerror}") from error
