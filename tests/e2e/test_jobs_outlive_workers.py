"""Workers are killed at random points of many jobs: each job is done once in effect."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.killed_workers import survive

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


def test_every_job_is_done_once_however_many_workers_die(database_url: str, tmp_path: Path) -> None:
    outcome = survive(database_url, tmp_path, jobs=60, workers=2, kills=6, seed=7, steps=6, pause=0.15, limit=120)
    assert outcome.kills == 6
    assert dict(outcome.states) == {"succeeded": 60}
    assert (outcome.missing, outcome.repeated, outcome.went_back) == (0, 0, 0)
    assert outcome.attempts > 60
