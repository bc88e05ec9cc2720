"""Kaiwa's Python client: a typed asynchronous library that needs no knowledge of protobuf."""

from kaiwa_client.auth import Credentials
from kaiwa_client.client import KaiwaClient
from kaiwa_client.errors import (
    AudioError,
    CallFailed,
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
    "FileTokenStore",
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
