"""An export holds everything that the schema and the object store hold of its owner."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from typing import Any

import grpc
import pytest
from sqlalchemy import create_engine, select

from kaiwa.accounts.v1 import accounts_service_pb2 as pb
from kaiwa.jobs.v1 import job_pb2, jobs_service_pb2
from server.adapters.postgres.holdings import HOLDINGS
from server.errors import Reason
from server.kernel.identity import Role
from tests.support.furnished import Place
from tests.support.ownership import as_json
from tests.support.rpc import failure_of

NOBODYS = "0198c0de-0000-7000-8000-00000000ffff"


async def download(place: Place, job_id: str, offset: int = 0) -> tuple[pb.DownloadHeader, bytes]:
    request = pb.DownloadMyDataRequest(job_id=job_id, offset=offset)
    parts = [part async for part in place.accounts.DownloadMyData(request, metadata=place.signed_in())]
    assert parts[0].WhichOneof("part") == "header"
    chunks = [part.chunk for part in parts[1:]]
    assert all(1 <= len(chunk) <= 65_536 for chunk in chunks)
    return parts[0].header, b"".join(chunks)


Refusal = tuple[grpc.StatusCode, str, dict[str, str]]


async def refusal(place: Place, job_id: str, role: Role = Role.STUDENT, offset: int = 0) -> Refusal:
    request = pb.DownloadMyDataRequest(job_id=job_id, offset=offset)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        async for _ in place.accounts.DownloadMyData(request, metadata=place.signed_in(role)):
            pass
    failure = failure_of(caught.value)
    return failure.code, failure.reason, failure.metadata


def read(archive: zipfile.ZipFile, path: str) -> Any:
    return json.loads(archive.read(path).decode())


async def test_every_value_of_every_column(place: Place) -> None:
    async with place.working():
        job_id = await place.export()
        job = await place.watched(job_id)
    assert job.state == job_pb2.JOB_STATE_SUCCEEDED
    assert job.progress.done == job.progress.total > 20
    header, content = await download(place, job_id)
    assert (header.job_id, header.offset, header.content_type) == (job_id, 0, "application/zip")
    assert header.size_bytes == len(content) == job.export_result.size_bytes
    assert header.sha256 == hashlib.sha256(content).hexdigest()
    assert header.expire_time == job.expire_time == job.export_result.expire_time
    assert header.file_name.startswith("kaiwa-export-20")
    archive = zipfile.ZipFile(io.BytesIO(content))
    assert archive.testzip() is None

    missing = []
    exported = {held.path: held for holdings in HOLDINGS.values() for held in holdings.held}
    for table, stored in place.mika.filled:
        key = {column.name: as_json(stored[column.name]) for column in table.primary_key}
        held_here = [(path, held) for path, held in exported.items() if held.table is table]
        found = None
        for path, held in held_here:
            shown_key = {name: value for name, value in key.items() if name not in held.withheld}
            for record in read(archive, f"{path}.json"):
                if shown_key.items() <= record.items():
                    found = (held, record)
        if found is None:
            missing.append(f"a row of {table.name}")
            continue
        held, record = found
        # Of the account, other tests' doings change the times.
        for column in table.columns:
            if column.name not in held.withheld and record.get(column.name, "absent") != as_json(stored[column.name]):
                missing.append(f"{table.name}.{column.name}")
    assert missing == []


async def test_it_says_what_it_holds_and_nothing_of_anybody_else(place: Place) -> None:
    async with place.working():
        job_id = await place.export()
        await place.watched(job_id)
    _, content = await download(place, job_id)
    archive = zipfile.ZipFile(io.BytesIO(content))
    readme = archive.read("README.md").decode()
    manifest = read(archive, "manifest.json")
    assert (manifest["format"], manifest["version"], manifest["user_id"]) == ("kaiwa-export", 1, place.mika.user_id)
    paths = [f"{document.path}.json" for holdings in HOLDINGS.values() for document in holdings.documents]
    assert set(archive.namelist()) == {
        "README.md",
        "manifest.json",
        *paths,
        "speech/recordings/recording.flac",
        "speech/recordings/orphan.flac",
    }
    for path in paths:
        assert f"`{path}`" in readme
        assert manifest["records"][path] == len(read(archive, path))
    assert archive.read("speech/recordings/recording.flac") == b"fLaC" + place.mika.username.encode() * 20_000
    (file,) = read(archive, "speech/audio_files.json")
    assert file["file"] == "speech/recordings/recording.flac"
    everything = b"".join(archive.read(name) for name in archive.namelist())
    for name in place.ken.names:
        assert name.encode() not in everything
    engine = create_engine(place.database_url)
    with engine.connect() as connection:
        users = HOLDINGS["accounts"].held[0].table
        secret = connection.execute(select(users.c.password_hash)).scalars().first()
    engine.dispose()
    assert str(secret).encode() not in everything
    logged = read(archive, "accounts/audit_log.json")
    assert sorted((entry["by_you"], entry["about_you"]) for entry in logged) == [(False, True), (True, False)]


async def test_recordings_are_left_out_where_that_is_asked(place: Place) -> None:
    async with place.working():
        whole, small = await place.export(), await place.export(omit_audio=True)
        assert whole != small
        assert await place.export(omit_audio=True) == small
        await place.watched(whole)
        await place.watched(small)
    _, content = await download(place, small)
    archive = zipfile.ZipFile(io.BytesIO(content))
    assert [name for name in archive.namelist() if name.startswith("speech/recordings/")] == []
    assert "without recordings" in archive.read("README.md").decode()
    assert read(archive, "manifest.json")["recordings"] is False


async def test_a_download_that_was_cut_goes_on(place: Place) -> None:
    async with place.working():
        job_id = await place.export()
        await place.watched(job_id)
    _, whole = await download(place, job_id)
    assert len(whole) > 65_536
    for offset in (1, 65_536, 70_001, len(whole) - 1, len(whole)):
        header, rest = await download(place, job_id, offset)
        assert (header.offset, rest) == (offset, whole[offset:])
    size = str(len(whole))
    code, reason, metadata = await refusal(place, job_id, offset=len(whole) + 1)
    assert (code, reason) == (grpc.StatusCode.OUT_OF_RANGE, Reason.EXPORT_OFFSET_OUT_OF_RANGE)
    assert metadata == {"offset": str(len(whole) + 1), "size_bytes": size}


async def test_another_sees_neither_the_job_nor_the_archive(place: Place) -> None:
    async with place.working():
        job_id = await place.export()
        await place.watched(job_id)
    assert (await refusal(place, job_id, Role.TEACHER))[:2] == (grpc.StatusCode.NOT_FOUND, Reason.JOB_NOT_FOUND)
    answers = []
    for wanted in (job_id, NOBODYS):
        code, reason, metadata = await refusal(place, wanted, Role.TEACHER)
        assert metadata == {"job_id": wanted}
        answers.append((code, reason))
        told = place.signed_in(Role.TEACHER)
        for call in (
            place.jobs.GetJob(jobs_service_pb2.GetJobRequest(job_id=wanted), metadata=told),
            place.jobs.CancelJob(jobs_service_pb2.CancelJobRequest(job_id=wanted), metadata=told),
        ):
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await call
            assert failure_of(caught.value).reason == Reason.JOB_NOT_FOUND
    assert answers[0] == answers[1]


async def test_nothing_of_it_stays_on_the_worker(place: Place) -> None:
    async with place.working():
        await place.watched(await place.export())
    assert list((place.settings.home / "spool").iterdir()) == []
