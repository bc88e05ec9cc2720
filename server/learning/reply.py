"""Makes mutations safe to repeat that name a request id."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

T_contra = TypeVar("T_contra")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Repeat(Generic[R]):
    """The request id that a client gave.

    Attributes:
        request_id: in lower case.
        body_hash: SHA-256 of the request without it.
        encode, decode: turn a reply into the bytes that are kept, and back.
    """

    request_id: str
    body_hash: bytes
    encode: Callable[[R], bytes]
    decode: Callable[[bytes], R]


@dataclass(frozen=True, slots=True)
class Reply(Generic[T_contra, R]):
    """How a use case answers: what it did, shown as the caller wants it.

    Attributes:
        show: makes the reply.
        repeat: makes the call safe to retry; None where the client asked for no such thing.
    """

    show: Callable[[T_contra], R]
    repeat: Repeat[R] | None = None
