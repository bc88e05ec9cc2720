"""`kaiwa export`, `kaiwa account delete` and `kaiwa jobs`."""

from __future__ import annotations

import hashlib
import io
import os
import zipfile
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import pytest

from kaiwa.accounts.v1 import accounts_service_pb2_grpc as accounts_rpc
from kaiwa.errors.v1 import error_reason_pb2
from kaiwa.jobs.v1 import job_pb2
from kaiwa.jobs.v1 import jobs_service_pb2 as jobs_pb2
from kaiwa.jobs.v1 import jobs_service_pb2_grpc as jobs_rpc
from server.accounts.domain.export import Export
from server.accounts.servicer import AccountsServicer
from server.errors import NotFound, Reason, Unavailable
from server.rpc.server import Service
from server.rpc.wire import PageTokens
from tests.clients.python.conftest import CommandLine, SleepingClock
from tests.support.accounts import Accounts, FakeExport, FakeFiles, make_user, sign_in
from tests.support.assembled import PASSWORD as REAL_PASSWORD
from tests.support.assembled import assembled
from tests.support.furnished import furnish
from tests.support.kernel import NOON
from tests.support.rpc import serving

JOB = "0198c0de-0000-7000-8000-00000000000a"
ARCHIVE = os.urandom(300_000)
FILE = "kaiwa-export-2026-11-23.zip"


class CutFiles(FakeFiles):
    """An object store that is away after so many bytes, once."""

    def __init__(self) -> None:
        super().__init__()
        self.cut_after: int | None = None
        self.opened: list[int] = []

    async def open(self, key: str, offset: int = 0) -> AsyncIterator[bytes] | None:
        self.opened.append(offset)
        return await super().open(key, offset)

    async def _pieces(self, content: bytes) -> AsyncIterator[bytes]:
        sent = 0
        async for piece in super()._pieces(content):
            if self.cut_after is not None and sent >= self.cut_after:
                self.cut_after = None
                raise Unavailable(Reason.STORAGE_UNAVAILABLE, "away", retry_after=timedelta(seconds=1))
            sent += len(piece)
            yield piece


@dataclass
class FakeJobs(jobs_rpc.JobsServiceServicer):
    """JobsService by a script.

    Attributes:
        states: what WatchJob sends, of the job with the id JOB; the last is what GetJob gives.
        asked: the requests, in order.
    """

    states: list[job_pb2.Job] = field(default_factory=list)
    asked: list[object] = field(default_factory=list)
    lose_after: int | None = None

    async def WatchJob(self, request, context):  # type: ignore[no-untyped-def]
        self.asked.append(request)
        if request.job_id != JOB:
            raise NotFound(Reason.JOB_NOT_FOUND, "none", metadata={"job_id": request.job_id})
        for number, state in enumerate(self.states):
            if number == self.lose_after:
                self.lose_after = None
                raise Unavailable(Reason.SHUTTING_DOWN, "stopping")
            yield jobs_pb2.WatchJobResponse(job=state)

    async def GetJob(self, request, context):  # type: ignore[no-untyped-def]
        self.asked.append(request)
        return jobs_pb2.GetJobResponse(job=self.states[-1])

    async def CancelJob(self, request, context):  # type: ignore[no-untyped-def]
        self.asked.append(request)
        cancelling = job(job_pb2.JOB_STATE_CANCELLING)
        return jobs_pb2.CancelJobResponse(job=cancelling)

    async def ListJobs(self, request, context):  # type: ignore[no-untyped-def]
        self.asked.append(request)
        return jobs_pb2.ListJobsResponse(jobs=self.states)


def job(state: job_pb2.JobState.ValueType, stage: str = "", done: int = 0, total: int | None = None) -> job_pb2.Job:
    """An export in a state."""
    made = job_pb2.Job(id=JOB, kind=job_pb2.JOB_KIND_EXPORT, state=state, attempts=1, max_attempts=5)
    made.progress.CopyFrom(job_pb2.JobProgress(done=done, total=total, stage=stage))
    made.create_time.FromDatetime(NOON)
    if state >= job_pb2.JOB_STATE_SUCCEEDED:
        made.end_time.FromDatetime(NOON + timedelta(minutes=1))
        made.expire_time.FromDatetime(NOON + timedelta(days=7))
    if state == job_pb2.JOB_STATE_SUCCEEDED:
        made.export_result.size_bytes = len(ARCHIVE)
        made.export_result.expire_time.CopyFrom(made.expire_time)
    if state == job_pb2.JOB_STATE_FAILED:
        made.failure.reason = error_reason_pb2.ERROR_REASON_JOB_TIMED_OUT
        made.failure.message = "It ran for more than 3600 s."
        made.failure.metadata["limit_seconds"] = "3600"
    return made


STATES = [
    job(job_pb2.JOB_STATE_QUEUED),
    job(job_pb2.JOB_STATE_RUNNING, "export.reading", 3, 10),
    job(job_pb2.JOB_STATE_RUNNING, "export.packing", 8, 10),
    job(job_pb2.JOB_STATE_SUCCEEDED, "export.storing", 10, 10),
]


@dataclass
class Desk:
    """The command line, with Mika signed in at a server whose export is the archive."""

    kaiwa: CommandLine
    accounts: Accounts
    jobs: FakeJobs
    files: CutFiles

    async def __call__(self, *arguments: str) -> int:
        return await self.kaiwa(*arguments)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    accounts, jobs, files = Accounts(), FakeJobs(list(STATES)), CutFiles()
    accounts.files = files
    accounts.download_my_data._files = files
    user = accounts.add_user(make_user())
    key = f"exports/{user.id}/1.zip"
    files.kept[key] = ARCHIVE
    archive = Export(JOB, user.id, key, len(ARCHIVE), hashlib.sha256(ARCHIVE).digest(), NOON)
    accounts.state.exports[JOB] = FakeExport(user.id, False, NOON, "succeeded", NOON + timedelta(days=7), archive)
    token = (await accounts.login(sign_in())).tokens.access_token
    services = [
        Service(
            "kaiwa.accounts.v1.AccountsService",
            accounts_rpc.add_AccountsServiceServicer_to_server,
            AccountsServicer(accounts.use_cases, PageTokens(b"s" * 32)),
        ),
        Service("kaiwa.jobs.v1.JobsService", jobs_rpc.add_JobsServiceServicer_to_server, jobs),
    ]
    async with serving(services, authenticate=accounts.authenticate) as served:
        environment = {"KAIWA_ADDRESS": served.address, "KAIWA_TOKEN": token, "TERM": "xterm-256color", "TZ": "UTC"}
        yield Desk(CommandLine(tmp_path, environment, SleepingClock()), accounts, jobs, files)


def saved(path: Path) -> bytes:
    assert path.stat().st_mode & 0o777 == 0o600
    assert not path.with_name(f"{path.name}.part").exists()
    return path.read_bytes()


async def test_an_export_is_followed_and_saved(desk: Desk, tmp_path: Path) -> None:
    assert await desk("export", "--job", JOB) == 0
    assert saved(tmp_path / FILE) == ARCHIVE
    lines = desk.kaiwa.out.splitlines()
    assert lines[:3] == ["Waiting for a worker ...", "Reading records ...", "Packing recordings ..."]
    assert "export  succeeded" in lines
    assert lines[-1] == f"Saved {tmp_path / FILE} (293.0 KiB)."
    assert await desk("export", "--job", JOB) == 2
    assert "is there already; name another file" in desk.kaiwa.err


async def test_an_export_for_programs(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "mine.zip"
    assert await desk("export", str(path), "--job", JOB, "--json") == 0
    *states, file = desk.kaiwa.objects
    assert [(each["type"], each["state"]) for each in states] == [
        ("job", state) for state in ("queued", "running", "running", "succeeded")
    ]
    assert states[-1]["result"] == {"size_bytes": 300_000, "expire_time": "2026-11-30T12:00:00+00:00"}
    assert file == {
        "type": "export",
        "job_id": JOB,
        "file": str(path),
        "size_bytes": 300_000,
        "sha256": hashlib.sha256(ARCHIVE).hexdigest(),
        "expire_time": "2026-11-30T12:00:00+00:00",
    }
    assert saved(path) == ARCHIVE


async def test_a_bar_on_a_terminal(desk: Desk, tmp_path: Path) -> None:
    desk.kaiwa.terminal = True
    assert await desk("export", "--job", JOB) == 0
    assert "Packing recordings" in desk.kaiwa.out
    assert "━" in desk.kaiwa.out
    assert saved(tmp_path / FILE) == ARCHIVE


async def test_streams_that_break_go_on_where_they_broke(desk: Desk, tmp_path: Path) -> None:
    desk.jobs.lose_after = 2
    desk.files.cut_after = 100_000
    # The header is asked for first; only then are the bytes fetched.
    assert await desk("export", "--job", JOB) == 0
    assert saved(tmp_path / FILE) == ARCHIVE
    assert len(desk.jobs.asked) == 2


async def test_what_an_earlier_process_fetched_is_not_fetched_again(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / f"{FILE}.part").write_bytes(ARCHIVE[:250_000])
    assert await desk("export", "--job", JOB) == 0
    assert saved(tmp_path / FILE) == ARCHIVE
    assert 250_000 in desk.files.opened


@pytest.mark.parametrize("left", [b"of another archive", b"x" * 300_000, b"x" * 400_000])
async def test_a_part_of_something_else_is_fetched_anew(desk: Desk, tmp_path: Path, left: bytes) -> None:
    (tmp_path / f"{FILE}.part").write_bytes(left)
    assert await desk("export", "--job", JOB) == 0
    assert saved(tmp_path / FILE) == ARCHIVE


async def test_what_arrives_damaged_is_not_kept(desk: Desk, tmp_path: Path) -> None:
    row = desk.accounts.state.exports[JOB]
    assert row.archive is not None
    desk.accounts.state.exports[JOB] = replace(row, archive=replace(row.archive, sha256=b"x" * 32))
    assert await desk("export", "--job", JOB) == 1
    assert "not the archive that the server has" in desk.kaiwa.err
    assert [name for name in os.listdir(tmp_path) if "zip" in name] == []


async def test_an_export_that_fails_says_why(desk: Desk) -> None:
    desk.jobs.states[-1] = job(job_pb2.JOB_STATE_FAILED, "export.storing", 9, 10)
    assert await desk("export", "--job", JOB) == 1
    assert "The job ran longer than the 3600 s that it may. (JOB_TIMED_OUT)" in desk.kaiwa.err
    desk.jobs.states[-1] = job(job_pb2.JOB_STATE_CANCELLED)
    assert await desk("export", "--job", JOB) == 1
    assert "The job was cancelled." in desk.kaiwa.err


async def test_an_export_whose_time_is_over(desk: Desk) -> None:
    desk.accounts.clock.advance(timedelta(days=7))
    row = desk.accounts.state.exports[JOB]
    assert await desk("export", "--job", JOB) == 4
    desk.accounts.clock.at = NOON
    desk.accounts.state.exports[JOB] = replace(row, expires_at=NOON)
    assert await desk("export", "--job", JOB) == 1
    assert "kaiwa export makes a new one. (EXPORT_EXPIRED)" in desk.kaiwa.err


async def test_what_is_asked_for(desk: Desk) -> None:
    desk.accounts.state.exports.clear()
    assert await desk("export", "--omit-audio") == 1
    (made,) = desk.accounts.state.exports.values()
    assert made.omit_audio
    assert "(JOB_NOT_FOUND)" in desk.kaiwa.err


async def test_jobs_are_listed_shown_watched_and_cancelled(desk: Desk) -> None:
    assert await desk("jobs", "--kind", "export", "--state", "running", "--limit", "5") == 0
    assert "export  running  Reading records, 3 of 10" in desk.kaiwa.out
    asked = desk.jobs.asked[-1]
    assert isinstance(asked, jobs_pb2.ListJobsRequest)
    assert (list(asked.kinds), list(asked.states), asked.page_size) == (
        [job_pb2.JOB_KIND_EXPORT],
        [job_pb2.JOB_STATE_RUNNING],
        5,
    )
    assert await desk("jobs", "show", JOB) == 0
    assert desk.kaiwa.out.splitlines() == [
        "export  succeeded",
        "    asked for 2026-11-23 12:00, ended 2026-11-23 12:01, kept until 2026-11-30 12:00",
        "    size bytes: 300000",
        f"    {JOB}",
    ]
    assert await desk("jobs", "watch", JOB, "--json") == 0
    assert [each["state"] for each in desk.kaiwa.objects] == ["queued", "running", "running", "succeeded"]
    assert await desk("jobs", "cancel", JOB) == 0
    assert "export  cancelling  Stopping" in desk.kaiwa.out
    desk.jobs.states.clear()
    assert await desk("jobs") == 0
    assert desk.kaiwa.out == "There are no jobs.\n"
    assert await desk("jobs", "show", "x") == 2


async def test_another_commands_options(desk: Desk) -> None:
    assert await desk("jobs", "--kind", "nonsense") == 2
    assert await desk("account") == 2
    assert await desk("export", "--job", "x") == 2


async def test_a_deletion_is_confirmed_by_name_and_password(desk: Desk) -> None:
    desk.kaiwa.answers = ["ken"]
    assert await desk("account", "delete") == 2
    assert "Nothing was deleted." in desk.kaiwa.err
    desk.kaiwa.answers = ["mika", "wrong horse"]
    assert await desk("account", "delete") == 1
    assert "That is not the account's password. (PASSWORD_INCORRECT)" in desk.kaiwa.err
    assert desk.accounts.state.deletions == {}
    assert await desk("account", "delete") == 2
    assert "give --yes" in desk.kaiwa.err
    assert await desk("account", "delete", "--yes") == 2
    assert "KAIWA_PASSWORD" in desk.kaiwa.err


async def test_a_deletion_whose_end_nobody_told(desk: Desk) -> None:
    desk.kaiwa.environment["KAIWA_PASSWORD"] = "correct horse"
    assert await desk("account", "delete", "--yes") == 0
    assert len(desk.accounts.state.deletions) == 1
    assert desk.kaiwa.out == "The deletion of your account has begun and goes on by itself.\n"


async def test_the_whole_way_at_a_real_server(database_url: str, tmp_path: Path) -> None:
    async with assembled(database_url, tmp_path / "home", ("accounts", "jobs")) as served:
        place = furnish(served, database_url)
        kaiwa = CommandLine(
            tmp_path,
            {"KAIWA_ADDRESS": served.listening, "KAIWA_PASSWORD": REAL_PASSWORD, "TERM": "xterm-256color", "TZ": "UTC"},
            SleepingClock(),
        )
        assert await kaiwa("login", "--email", place.mika.email) == 0
        async with place.working():
            assert await kaiwa("export", str(tmp_path / "mine.zip")) == 0
            names = zipfile.ZipFile(io.BytesIO(saved(tmp_path / "mine.zip"))).namelist()
            assert "learning/reviews.json" in names
            assert "speech/recordings/recording.flac" in names
            assert await kaiwa("jobs", "--json") == 0
            assert kaiwa.objects[0]["kind"] == "export"
            assert await kaiwa("account", "delete", "--yes", "--json") == 0
            last = kaiwa.objects[-1]
            assert (last["kind"], last["state"]) == ("deletion", "succeeded")
            assert last["result"]["deleted_files"] == 4
        assert await kaiwa("whoami") == 4
        assert await kaiwa("login", "--email", place.mika.email) == 4
        assert "(INVALID_CREDENTIALS)" in kaiwa.err
