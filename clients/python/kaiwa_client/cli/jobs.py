"""Background work: `kaiwa jobs`, and the progress bars of whatever takes long."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime

from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from kaiwa_client.cli.account import day
from kaiwa_client.cli.world import World, connect
from kaiwa_client.errors import JobFailed
from kaiwa_client.models import Job

_STAGES: Mapping[str, str] = {
    "export.reading": "Reading records",
    "export.packing": "Packing recordings",
    "export.storing": "Storing the archive",
    "import.checking": "Checking the files",
    "import.sentences": "Importing",
    "deletion.stopping": "Stopping other jobs",
    "deletion.files": "Deleting recordings",
    "deletion.records": "Deleting records",
}
_KINDS: Mapping[str, str] = {
    "import": "import",
    "export": "export",
    "deletion": "deletion of the account",
    "audio_batch": "audio of sentences",
    "optimization": "optimisation of the scheduler",
    "simulation": "simulation of the workload",
    "rescoring": "rescoring of attempts",
}
_STYLES: Mapping[str, str] = {"succeeded": "green", "failed": "red", "cancelled": "yellow", "cancelling": "yellow"}


async def jobs(world: World, options: Namespace) -> None:
    """`kaiwa jobs`."""
    async with connect(world, options) as client:
        match options.jobs_command:
            case "show":
                show_job(world, options, await client.jobs.get(options.id))
            case "cancel":
                show_job(world, options, await client.jobs.cancel(options.id))
            case "watch":
                succeeded(await follow(world, options, client.jobs.watch(options.id)))
            case _:
                found = await client.jobs.list(kinds=options.kind, states=options.state, limit=options.limit)
                for job in found:
                    show_job(world, options, job)
                if not found and not options.json:
                    world.output.print("There are no jobs.")


async def follow(world: World, options: Namespace, states: AsyncIterator[Job]) -> Job | None:
    """Shows a job to its end: as a bar on a terminal, an object a state for programs, else a line a stage.

    Returns:
        The job as it was last; None where there was not one state.
    """
    last: Job | None = None
    with bar(world, shown=not options.json) as update:
        async for job in states:
            if options.json:
                world.print_json({"type": "job", **job_json(job)})
            elif last is None or last.stage != job.stage or world.output.is_terminal:
                update(_doing(job), job.done, job.total)
            last = job
    if last is not None and not options.json:
        show_job(world, options, last)
    return last


def succeeded(job: Job | None) -> Job:
    """The job, if it did what it was asked to.

    Raises:
        JobFailed: it did not.
    """
    if job is None or job.state == "cancelled":
        raise JobFailed("The job was cancelled.")
    if job.failure is not None:
        raise JobFailed(job.failure.message, reason=job.failure.reason, metadata=job.failure.metadata)
    return job


class Update:
    """Moves a bar on; without a terminal, prints a line for each new text."""

    def __init__(self, world: World, progress: Progress | None, task: TaskID | None, *, shown: bool) -> None:
        self._world = world
        self._progress = progress
        self._task = task
        self._shown = shown
        self._last = ""

    def __call__(self, text: str, done: int, total: int | None) -> None:
        """Shows what is being done, and how much of it is."""
        if self._progress is not None and self._task is not None:
            self._progress.update(self._task, description=text, completed=done, total=total, refresh=text != self._last)
        elif self._shown and text != self._last:
            self._world.output.print(Text(f"{text} ..."), soft_wrap=True)
        self._last = text


@contextmanager
def bar(world: World, *, shown: bool) -> Iterator[Update]:
    """A progress bar, which is gone when the block ends."""
    if not (shown and world.output.is_terminal):
        yield Update(world, None, None, shown=shown)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=world.output, transient=True) as progress:
        yield Update(world, progress, progress.add_task("Waiting for a worker", total=None), shown=True)


def show_job(world: World, options: Namespace, job: Job) -> None:
    """One job: a line with its state, what came of it, and its id."""
    if options.json:
        world.print_json(job_json(job))
        return
    lead = Text.assemble((f"{_KINDS.get(job.kind, job.kind)}  ", "bold"), (job.state, _STYLES.get(job.state, "")))
    if not job.final:
        lead.append(f"  {_doing(job)}{_share(job)}")
    world.output.print(lead, soft_wrap=True)
    for text in (f"asked for {day(job.create_time)}{_ended(job)}", *_outcome(job)):
        world.output.print(Text(f"    {text}"), soft_wrap=True)
    world.output.print(Text(f"    {job.id}", "dim"), soft_wrap=True)


def job_json(job: Job) -> dict[str, object]:
    """A job as one JSON object."""
    return {name: _plain(value) for name, value in asdict(job).items()}


def _doing(job: Job) -> str:
    if job.state == "queued":
        return "Waiting for a worker"
    if job.state == "cancelling":
        return "Stopping"
    return _STAGES.get(job.stage, "Working")


def _share(job: Job) -> str:
    return f", {job.done} of {job.total}" if job.total else ""


def _ended(job: Job) -> str:
    if job.end_time is None:
        return ""
    kept = f", kept until {day(job.expire_time)}" if job.expire_time and job.expire_time > job.end_time else ""
    return f", ended {day(job.end_time)}{kept}"


def _outcome(job: Job) -> Iterator[str]:
    if job.failure is not None:
        yield f"{job.failure.message} ({job.failure.reason})"
    for name, value in (job.result or {}).items():
        if isinstance(value, (int, float, str)) and value != "":
            yield f"{name.replace('_', ' ')}: {value}"


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value
