"""Fits the weights of FSRS in a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from asyncio.subprocess import Process
from collections.abc import Sequence
from pathlib import Path

from server.learning.domain.training import Fit, TrainingSet, too_few_reviews

_PROGRAM = Path(__file__).with_name("fitting_child.py")
_NOT_ENOUGH = 10
# All cores for one learner's weights would leave none for the other jobs of this machine.
_ENVIRONMENT = {"RAYON_NUM_THREADS": "1"}


class FsrsFitting:
    """Fits weights with fsrs-rs. Each fit is a process, which ends with the call, however that ends."""

    async def fit(self, task: TrainingSet, weights: Sequence[float]) -> Fit:
        """Fits weights to the reviews that are not held out, and judges them by those that are.

        Args:
            task: the learner's histories.
            weights: FSRS-6's 21 in use before.

        Raises:
            FailedPrecondition: TOO_FEW_REVIEWS: fsrs-rs finds too few that it can use.
            RuntimeError: it broke down.
        """
        histories = [
            [(review.rating.value, review.days, review.at >= task.held_out_from) for review in history]
            for history in task.histories
        ]
        question = json.dumps({"histories": histories, "weights": list(weights)}).encode()
        spawning = asyncio.create_task(_spawn())
        try:
            # asyncio loses track of a process whose creation is cancelled.
            process = await asyncio.shield(spawning)
            answer, _ = await process.communicate(question)
        except BaseException:
            await asyncio.shield(_end(spawning))
            raise
        if process.returncode == _NOT_ENOUGH:
            raise too_few_reviews(task.fitted)
        if process.returncode != 0:
            raise RuntimeError(f"fitting ended with status {process.returncode}")
        found = json.loads(answer)
        (loss_before, rmse_before), (loss_after, rmse_after) = found["before"], found["after"]
        return Fit(tuple(found["weights"]), loss_before, loss_after, rmse_before, rmse_after)


async def _spawn() -> Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-I",
        "-B",
        str(_PROGRAM),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=_ENVIRONMENT,
        cwd="/",
        # A Ctrl-C in the worker's terminal is the worker's to act upon.
        start_new_session=True,
    )


async def _end(spawning: asyncio.Task[Process]) -> None:
    process = await spawning
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    await process.communicate()
