"""A job and the steps it takes. Each step gives a new job; storing it is up to who asked for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Self

from server.errors import FailedPrecondition, Reason
from server.jobs.domain.kinds import TERMS, JobKind, Terms
from server.jobs.domain.results import RESULT_OF, JobResult
from server.kernel.identity import UserId

KEPT = timedelta(days=7)
"""How long a job is kept after it ended."""


class JobState(StrEnum):
    """How far a job is."""

    QUEUED = "queued"
    RUNNING = "running"
    CANCELLING = "cancelling"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def final(self) -> bool:
        """Whether it stays so."""
        return self in {JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED}


@dataclass(frozen=True, slots=True)
class Progress:
    """How much is done. It never goes back.

    Attributes:
        done: units done, 0 or more.
        total: units in all, at least `done`; None while that is not known.
        stage: key of what is being done, such as `export.packing`.
    """

    done: int = 0
    total: int | None = None
    stage: str = ""

    def advanced(self, other: Progress) -> Progress:
        """The later of two reports of the same job, whichever came first."""
        done = max(self.done, other.done)
        total = other.total if other.total is not None else self.total
        return Progress(done, None if total is None else max(total, done), other.stage or self.stage)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a job failed, fit for its owner's eyes.

    Attributes:
        metadata: the values that belong to the reason, as pairs.
    """

    reason: Reason
    message: str
    metadata: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Farewell:
    """How a job ended that went with its owner's account: all that its watchers still learn of it."""

    ended_at: datetime
    attempts: int
    progress: Progress
    result: JobResult


@dataclass(frozen=True, slots=True)
class Job:
    """One piece of background work.

    Attributes:
        input: what it was asked, as JSON values; only its kind's handler reads it.
        checkpoint: what attempts so far keep for later ones, as JSON values; likewise.
        subject_id: the thing it works on, where it has an id of its own.
        attempts: how often it was begun; the number of the attempt under way, while there is one.
        due_at: when the next attempt may begin.
        started_at: when the first attempt began.
        expires_at: when it is forgotten; set when it ends.
    """

    id: str
    user_id: UserId
    kind: JobKind
    created_at: datetime
    due_at: datetime
    updated_at: datetime
    max_attempts: int
    input: Mapping[str, object] = field(default_factory=dict)
    checkpoint: Mapping[str, object] = field(default_factory=dict)
    subject_id: str | None = None
    state: JobState = JobState.QUEUED
    progress: Progress = Progress()
    attempts: int = 0
    started_at: datetime | None = None
    cancel_requested_at: datetime | None = None
    ended_at: datetime | None = None
    expires_at: datetime | None = None
    failure: Failure | None = None
    result: JobResult | None = None

    @classmethod
    def asked(
        cls,
        job_id: str,
        user_id: UserId,
        kind: JobKind,
        now: datetime,
        input: Mapping[str, object],
        subject_id: str | None = None,
    ) -> Self:
        """A new job, due at once."""
        terms = TERMS[kind]
        return cls(job_id, user_id, kind, now, now, now, terms.max_attempts, dict(input), subject_id=subject_id)

    @property
    def terms(self) -> Terms:
        """The terms of its kind."""
        return TERMS[self.kind]

    def begun(self, now: datetime) -> Job:
        """At the beginning of an attempt."""
        return replace(
            self,
            state=JobState.RUNNING,
            attempts=self.attempts + 1,
            started_at=self.started_at or now,
            updated_at=now,
        )

    def succeeded(self, result: JobResult, now: datetime) -> Job:
        """With what came of it; all that was known to be there is done.

        Raises:
            TypeError: the result is not one of the job's kind.
        """
        if not isinstance(result, RESULT_OF[self.kind]):
            raise TypeError(f"a job of the kind {self.kind} can't result in {type(result).__name__}")
        done = Progress(self.progress.total or self.progress.done, self.progress.total, self.progress.stage)
        return replace(self._ended(JobState.SUCCEEDED, now), result=result, progress=done)

    def failed(self, failure: Failure, now: datetime) -> Job:
        """Given up for a reason."""
        return replace(self._ended(JobState.FAILED, now), failure=failure)

    def interrupted(self, now: datetime, pause: timedelta | None = None) -> Job:
        """After an attempt that ended before its time: queued again, given up, or cancelled if that was asked.

        Args:
            now: the time.
            pause: until the next attempt; None: what the kind's terms say.
        """
        if self.state is JobState.CANCELLING:
            return self.cancelled(now)
        wait = self.terms.pause(self.attempts) if pause is None else pause
        if self.attempts >= self.max_attempts and self.terms.gives_up:
            return self.failed(
                Failure(
                    Reason.JOB_ATTEMPTS_EXHAUSTED,
                    f"Each of {self.attempts} attempts ended before its time.",
                    (("attempts", str(self.attempts)),),
                ),
                now,
            )
        most = max(self.max_attempts, self.attempts + 1)
        return replace(self, state=JobState.QUEUED, due_at=now + wait, updated_at=now, max_attempts=most)

    def given_back(self, now: datetime) -> Job:
        """After a worker stopped in order while it ran: due at once, and the attempt costs nothing."""
        return replace(self, max_attempts=self.max_attempts + 1).interrupted(now, timedelta(0))

    def parted(self, farewell: Farewell) -> Job:
        """As it was at the moment when it went with its owner's account."""
        return replace(
            self,
            state=JobState.SUCCEEDED,
            attempts=farewell.attempts,
            max_attempts=max(self.max_attempts, farewell.attempts),
            started_at=self.started_at or farewell.ended_at,
            ended_at=farewell.ended_at,
            updated_at=farewell.ended_at,
            expires_at=farewell.ended_at,
            progress=self.progress.advanced(farewell.progress),
            result=farewell.result,
        )

    def cancelled(self, now: datetime) -> Job:
        """Stopped because it was told to."""
        return self._ended(JobState.CANCELLED, now)

    def told_to_stop(self, now: datetime) -> Job:
        """Cancelled if it waits, cancelling if it runs; unchanged if it stops already or has ended.

        Raises:
            FailedPrecondition: JOB_NOT_CANCELLABLE.
        """
        if not self.terms.cancellable:
            raise FailedPrecondition(
                Reason.JOB_NOT_CANCELLABLE,
                "The deletion of an account can't be stopped.",
                metadata={"job_id": self.id, "kind": f"JOB_KIND_{self.kind.name}"},
            )
        if self.state is JobState.QUEUED:
            return replace(self.cancelled(now), cancel_requested_at=now)
        if self.state is JobState.RUNNING:
            return replace(self, state=JobState.CANCELLING, cancel_requested_at=now, updated_at=now)
        return self

    def _ended(self, state: JobState, now: datetime) -> Job:
        return replace(self, state=state, ended_at=now, updated_at=now, expires_at=now + KEPT)
