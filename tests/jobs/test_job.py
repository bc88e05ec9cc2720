"""The steps of a job."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.errors import FailedPrecondition, Reason
from server.jobs.domain.job import KEPT, Failure, Job, JobState, Progress
from server.jobs.domain.kinds import LONGEST_PAUSE, TERMS, JobKind, Terms
from server.jobs.domain.results import RESULT_OF, ExportResult, ImportResult
from tests.support.jobs import MIKA
from tests.support.kernel import NOON

LATER = NOON + timedelta(minutes=1)


def asked(kind: JobKind = JobKind.EXPORT) -> Job:
    return Job.asked("0198c0de-0000-7000-8000-000000000001", MIKA, kind, NOON, {})


def test_every_kind_has_terms_and_a_result() -> None:
    assert set(TERMS) == set(RESULT_OF) == set(JobKind)


def test_a_job_that_succeeds() -> None:
    running = asked().begun(LATER)
    assert (running.state, running.attempts, running.started_at) == (JobState.RUNNING, 1, LATER)
    running = replace(running, progress=Progress(3, 5, "export.packing"))
    done = running.succeeded(ExportResult(9), LATER)
    assert (done.state, done.result, done.ended_at) == (JobState.SUCCEEDED, ExportResult(9), LATER)
    assert done.expires_at == LATER + KEPT
    assert done.progress == Progress(5, 5, "export.packing")


def test_a_result_is_one_of_the_jobs_kind() -> None:
    with pytest.raises(TypeError):
        asked().begun(NOON).succeeded(ImportResult("x"), NOON)


def test_an_interrupted_attempt_is_followed_by_another_after_a_growing_pause() -> None:
    job = asked()
    pauses = []
    for _ in range(job.max_attempts - 1):
        job = job.begun(NOON).interrupted(NOON)
        assert job.state is JobState.QUEUED
        pauses.append((job.due_at - NOON).total_seconds())
    assert pauses == [10, 20, 40, 80]


def test_the_last_attempt_is_not_followed_by_another() -> None:
    job = replace(asked(), attempts=4).begun(NOON).interrupted(LATER)
    assert job.state is JobState.FAILED
    assert job.failure == Failure(
        Reason.JOB_ATTEMPTS_EXHAUSTED, "Each of 5 attempts ended before its time.", (("attempts", "5"),)
    )


def test_an_attempt_that_is_given_back_costs_nothing() -> None:
    job = replace(asked(), attempts=4).begun(NOON).given_back(LATER)
    assert (job.state, job.due_at, job.attempts, job.max_attempts) == (JobState.QUEUED, LATER, 5, 6)


def test_what_was_told_to_stop_is_not_begun_again() -> None:
    running = asked().begun(NOON)
    stopping = running.told_to_stop(LATER)
    assert (stopping.state, stopping.cancel_requested_at) == (JobState.CANCELLING, LATER)
    assert stopping.told_to_stop(LATER) is stopping
    assert stopping.interrupted(LATER).state is stopping.given_back(LATER).state is JobState.CANCELLED


def test_the_deletion_of_an_account_cannot_be_stopped() -> None:
    with pytest.raises(FailedPrecondition) as raised:
        asked(JobKind.DELETION).told_to_stop(NOON)
    assert raised.value.reason is Reason.JOB_NOT_CANCELLABLE
    assert raised.value.metadata["kind"] == "JOB_KIND_DELETION"


@given(st.integers(1, 1000))
def test_pauses_grow_up_to_a_limit(attempts: int) -> None:
    terms = Terms()
    assert terms.first_pause <= terms.pause(attempts) <= terms.pause(attempts + 1) <= LONGEST_PAUSE


_progress = st.builds(
    lambda done, more, stage: Progress(done, None if more is None else done + more, stage),
    st.integers(0, 50),
    st.none() | st.integers(0, 50),
    st.sampled_from(["", "a", "b"]),
)


@given(st.lists(_progress, max_size=20))
def test_progress_never_goes_back(reports: list[Progress]) -> None:
    shown = Progress()
    for report in reports:
        after = shown.advanced(report)
        assert after.done >= shown.done
        assert after.total is None or after.total >= after.done
        assert shown.total is None or after.total is not None
        shown = after
