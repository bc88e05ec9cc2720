"""Which part of a partial transcript can be shown as settled."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PartialText:
    """A partial transcript.

    Attributes:
        stable: what two hypotheses in a row agree on; only ever grows.
        unstable: the rest of the newest hypothesis.
    """

    stable: str = ""
    unstable: str = ""


class Stabiliser:
    """Agreement of consecutive hypotheses on characters (Liu et al. 2020, LocalAgreement-2; Japanese has no spaces).

    Args:
        held_back: characters at the end of the agreement that stay unstable, since the end of the audio cuts words.
    """

    def __init__(self, held_back: int = 1) -> None:
        self._held_back = held_back
        self._previous = ""
        self._stable = ""

    def add(self, hypothesis: str) -> PartialText:
        """Takes the newest hypothesis of the whole utterance so far."""
        agreed = _common_prefix(self._previous, hypothesis)
        settled = hypothesis[: max(0, agreed - self._held_back)]
        if len(settled) > len(self._stable) and settled.startswith(self._stable):
            self._stable = settled
        self._previous = hypothesis
        if hypothesis.startswith(self._stable):
            return PartialText(self._stable, hypothesis[len(self._stable) :])
        # The model changed its mind about something settled: what was shown stays, the rest follows by length.
        return PartialText(self._stable, hypothesis[len(self._stable) :])


def _common_prefix(one: str, other: str) -> int:
    length = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        length += 1
    return length
