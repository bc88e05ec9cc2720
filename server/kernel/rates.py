"""Classes of calls that share a rate limit."""

from __future__ import annotations

from enum import StrEnum


class Rate(StrEnum):
    """What a call counts as; the figures are settings."""

    SIGN_IN = "sign_in"
    """Counted by address: guessing passwords, creating accounts, asking for mails."""
    NORMAL = "normal"
    """Counted by user: everything ordinary."""
    COSTLY = "costly"
    """Counted by user: calls that take much of the machine (transcription, synthesis, analysis)."""
    AUDIO = "audio"
    """Counted by user: pieces of a recording, many a second."""
    FREE = "free"
    """Not counted: health and reflection."""
