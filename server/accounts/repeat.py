"""What makes a call safe to retry."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Repeat:
    """What makes a call safe to retry.

    Attributes:
        request_id: the client's UUID, in lower case.
        body_hash: SHA-256 of the request without the id and the password.
    """

    request_id: str
    body_hash: bytes
