"""Colours of scores."""

from __future__ import annotations

_NATIVE, _FAIR = 85.0, 65.0


def score_style(score: float | None) -> str:
    """The style for a score: green from 85 on, which most native readings pass, then yellow, then red."""
    if score is None:
        return "dim"
    if score >= _NATIVE:
        return "green"
    return "yellow" if score >= _FAIR else "red"
