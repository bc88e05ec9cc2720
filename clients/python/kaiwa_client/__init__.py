"""Kaiwa's Python client: a typed asynchronous library that needs no knowledge of protobuf."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kaiwa_client.auth import Credentials
    from kaiwa_client.client import KaiwaClient
    from kaiwa_client.errors import (
        AudioError,
        CallFailed,
        DownloadDamaged,
        JobFailed,
        KaiwaError,
        NotSignedIn,
        PracticeIncomplete,
        Unreachable,
    )
    from kaiwa_client.practice import Practice
    from kaiwa_client.retry import RetryPolicy
    from kaiwa_client.tokens import FileTokenStore, MemoryTokenStore, Tokens, TokenStore

__all__ = [
    "AudioError",
    "CallFailed",
    "Credentials",
    "DownloadDamaged",
    "FileTokenStore",
    "JobFailed",
    "KaiwaClient",
    "KaiwaError",
    "MemoryTokenStore",
    "NotSignedIn",
    "Practice",
    "PracticeIncomplete",
    "RetryPolicy",
    "TokenStore",
    "Tokens",
    "Unreachable",
]

_MODULES: Mapping[str, str] = {
    "Credentials": "auth",
    "FileTokenStore": "tokens",
    "KaiwaClient": "client",
    "MemoryTokenStore": "tokens",
    "Practice": "practice",
    "RetryPolicy": "retry",
    "TokenStore": "tokens",
    "Tokens": "tokens",
}


def __getattr__(name: str) -> object:
    # Imported when used: the command has to tell gRPC how much to write before gRPC is loaded.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES.get(name, 'errors')}"), name)
