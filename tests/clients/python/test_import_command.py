"""`kaiwa import` against a fake server that receives, previews and runs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest

from kaiwa.content.v1 import content_service_pb2 as pb
from kaiwa.content.v1 import content_service_pb2_grpc as content_rpc
from kaiwa.content.v1 import import_pb2
from kaiwa.jobs.v1 import job_pb2, jobs_service_pb2
from kaiwa.jobs.v1 import jobs_service_pb2_grpc as jobs_rpc
from kaiwa_client.cli.importing import _roles
from kaiwa_client.cli.world import UsageError
from tests.clients.python.conftest import CommandLine

IMPORT_ID = "0198c0de-0000-7000-a000-0000000000aa"
TABLE = "Japanese,English\n水を飲む。,I drink.\n" * 400
JOB_ID = "0198c0de-0000-7000-a000-0000000000bb"


class FakeImports(content_rpc.ContentServiceServicer):
    """Keeps one import; the first stream breaks where it is told to."""

    def __init__(self, break_after: int | None = None) -> None:
        self.received = b""
        self.break_after = break_after
        self.started = 0
        self.options: import_pb2.ImportOptions | None = None
        self.size = 0

    def _import(self) -> import_pb2.Import:
        message = import_pb2.Import(id=IMPORT_ID)
        if self.size:
            whole = len(self.received) == self.size
            message.files.add(
                role=import_pb2.IMPORT_FILE_ROLE_TABLE,
                size_bytes=self.size,
                received_bytes=len(self.received),
                complete=whole,
                sha256=hashlib.sha256(self.received).hexdigest() if whole else "",
            )
        message.report.sentences.added = 2
        message.report.problems.add(row=3, description="The entry has no kana and no kanji.")
        message.report.problem_count = 12
        return message

    async def CreateImport(self, request: pb.CreateImportRequest, context: object) -> pb.CreateImportResponse:
        self.options = request.options
        return pb.CreateImportResponse(content_import=self._import())

    async def GetImport(self, request: pb.GetImportRequest, context: object) -> pb.GetImportResponse:
        return pb.GetImportResponse(content_import=self._import())

    async def UploadImport(
        self,
        request_iterator: AsyncIterator[pb.UploadImportRequest],
        context: grpc.aio.ServicerContext[pb.UploadImportRequest, pb.UploadImportResponse],
    ) -> pb.UploadImportResponse:
        async for request in request_iterator:
            if request.HasField("header"):
                self.size = request.header.size_bytes
                assert request.header.offset == len(self.received)
                continue
            self.received += request.chunk
            if self.break_after is not None:
                self.received = self.received[: self.break_after]
                self.break_after = None
                await context.abort(grpc.StatusCode.UNAVAILABLE, "gone")
        return pb.UploadImportResponse(content_import=self._import())

    async def PreviewImport(self, request: pb.PreviewImportRequest, context: object) -> pb.PreviewImportResponse:
        row = import_pb2.ImportPreviewRow(
            row=2, japanese="水を飲む。", english="I drink.", outcome=import_pb2.IMPORT_OUTCOME_ADDED
        )
        return pb.PreviewImportResponse(rows=[row], entry_count=3, exhaustive=True)

    async def StartImport(self, request: pb.StartImportRequest, context: object) -> pb.StartImportResponse:
        self.started += 1
        return pb.StartImportResponse(job_id=JOB_ID, content_import=self._import())


class FakeJobs(jobs_rpc.JobsServiceServicer):
    """One job that runs to its end."""

    async def WatchJob(
        self, request: jobs_service_pb2.WatchJobRequest, context: object
    ) -> AsyncIterator[jobs_service_pb2.WatchJobResponse]:
        for state, done in ((job_pb2.JOB_STATE_RUNNING, 1), (job_pb2.JOB_STATE_SUCCEEDED, 3)):
            job = job_pb2.Job(id=JOB_ID, kind=job_pb2.JOB_KIND_IMPORT, state=state, max_attempts=5)
            job.progress.done, job.progress.total, job.progress.stage = done, 3, "import.sentences"
            job.create_time.GetCurrentTime()
            yield jobs_service_pb2.WatchJobResponse(job=job)


async def serve(imports: FakeImports) -> tuple[grpc.aio.Server, str]:
    server = grpc.aio.server()
    content_rpc.add_ContentServiceServicer_to_server(imports, server)
    jobs_rpc.add_JobsServiceServicer_to_server(FakeJobs(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    return server, f"127.0.0.1:{port}"


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "words.csv"
    path.write_text(TABLE, "utf-8")
    return path


async def test_files_are_uploaded_shown_imported_and_told(kaiwa: CommandLine, table: Path) -> None:
    imports = FakeImports()
    server, address = await serve(imports)

    code = await kaiwa("import", str(table), "--address", address, "--token", "t", "--tag", "mine")
    await server.stop(None)

    assert code == 0, kaiwa.err
    assert imports.received == TABLE.encode()
    assert imports.options is not None
    assert list(imports.options.tags_to_add) == ["mine"]
    assert imports.started == 1
    assert "added     水を飲む。  I drink." in kaiwa.out
    assert "Sentences  2 added" in kaiwa.out
    assert "row 3: The entry has no kana and no kanji." in kaiwa.out
    assert "and 11 more problems" in kaiwa.out


async def test_an_upload_goes_on_where_it_broke(kaiwa: CommandLine, table: Path) -> None:
    imports = FakeImports(break_after=5000)
    server, address = await serve(imports)

    code = await kaiwa("import", str(table), "--address", address, "--token", "t", "--json", "--resume", IMPORT_ID)
    await server.stop(None)

    assert code == 0, kaiwa.err
    assert imports.received == TABLE.encode()
    assert imports.options is None
    kinds = [json.loads(line)["type"] for line in kaiwa.out.splitlines()]
    assert kinds == ["import", "preview", "job", "job", "report"]


async def test_a_preview_imports_nothing(kaiwa: CommandLine, table: Path) -> None:
    imports = FakeImports()
    server, address = await serve(imports)

    code = await kaiwa("import", str(table), "--address", address, "--token", "t", "--preview")
    await server.stop(None)

    assert (code, imports.started) == (0, 0)


async def test_files_that_are_not_there_or_say_nothing_are_refused(kaiwa: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "photo.png").write_bytes(b"x")

    assert await kaiwa("import", str(tmp_path / "none.csv")) == 2
    assert await kaiwa("import", str(tmp_path / "photo.png")) == 2
    assert "--kind" in kaiwa.err


def test_names_tell_what_files_are_for() -> None:
    names = ("jpn_sentences.tsv.bz2", "eng_sentences.tsv.bz2", "links.csv.bz2", "jpn_indices.tar.bz2", "jpn-eng.zip")
    kind, roles = _roles([Path(name) for name in names], None)

    assert kind == "tatoeba"
    assert {path.name: role for role, path in roles.items()} == {
        "jpn_sentences.tsv.bz2": "tatoeba_sentences",
        "eng_sentences.tsv.bz2": "tatoeba_english",
        "links.csv.bz2": "tatoeba_links",
        "jpn_indices.tar.bz2": "tatoeba_indices",
        "jpn-eng.zip": "tatoeba_pairs",
    }
    assert _roles([Path("a.colpkg")], None)[0] == "anki_package"
    assert _roles([Path("a.csv"), Path("b.zip")], None) == (
        "table",
        {"table": Path("a.csv"), "table_media": Path("b.zip")},
    )
    with pytest.raises(UsageError):
        _roles([Path("a.csv"), Path("b.csv")], None)
