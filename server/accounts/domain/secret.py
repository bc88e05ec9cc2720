"""Secrets that are given out once and known by their digest from then on: refresh tokens and tokens in mails."""

from __future__ import annotations

import base64
import hashlib

SECRET_BYTES = 32
"""Entropy of a secret."""


def secret_text(secret: bytes) -> str:
    """The text of a secret of `SECRET_BYTES` random bytes: base64url without padding."""
    return base64.urlsafe_b64encode(secret).decode().rstrip("=")


def secret_digest(text: str) -> bytes:
    """What the server knows a secret by. A plain hash does: the secret has 256 bits of entropy to guess."""
    return hashlib.sha256(text.encode()).digest()
