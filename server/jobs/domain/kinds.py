"""Kinds of jobs, and the terms on which each is run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType

LONGEST_PAUSE = timedelta(minutes=10)
"""The longest pause between two attempts."""


class JobKind(StrEnum):
    """What a job does."""

    IMPORT = "import"
    EXPORT = "export"
    DELETION = "deletion"
    AUDIO_BATCH = "audio_batch"
    OPTIMIZATION = "optimization"
    SIMULATION = "simulation"
    RESCORING = "rescoring"


@dataclass(frozen=True, slots=True)
class Terms:
    """How a kind of job is run.

    Attributes:
        max_attempts: how often it is begun before it is given up.
        first_pause: between the first attempt and the second; each further pause is twice the one before, up to
            `LONGEST_PAUSE`.
        longest: how long one attempt may take.
        cancellable: whether its owner may stop it.
        gives_up: whether it ends as failed; if not, whatever goes wrong leads to another attempt, without end.
    """

    max_attempts: int = 5
    first_pause: timedelta = timedelta(seconds=5)
    longest: timedelta = timedelta(hours=1)
    cancellable: bool = True
    gives_up: bool = True

    def pause(self, attempts: int) -> timedelta:
        """How long to wait after the attempt with this number, from 1."""
        doublings = min(max(attempts - 1, 0), 20)
        return min(self.first_pause * (1 << doublings), LONGEST_PAUSE)


TERMS: Mapping[JobKind, Terms] = MappingProxyType(
    {
        JobKind.IMPORT: Terms(),
        JobKind.EXPORT: Terms(first_pause=timedelta(seconds=10)),
        # Somebody who leaves must not be kept by a store that is away for an afternoon, nor by a mistake of ours.
        JobKind.DELETION: Terms(max_attempts=100, first_pause=timedelta(seconds=10), cancellable=False, gives_up=False),
        JobKind.AUDIO_BATCH: Terms(first_pause=timedelta(seconds=30), longest=timedelta(hours=6)),
        JobKind.OPTIMIZATION: Terms(max_attempts=3, longest=timedelta(minutes=30)),
        JobKind.SIMULATION: Terms(max_attempts=3, longest=timedelta(minutes=30)),
        JobKind.RESCORING: Terms(first_pause=timedelta(seconds=30), longest=timedelta(hours=6)),
    }
)
"""The terms of every kind."""
