"""ContentService put together."""

from __future__ import annotations

from kaiwa.content.v1 import content_service_pb2_grpc as content_rpc
from server.adapters.imports.reader import ProcessImportReader
from server.adapters.openjtalk.readings import SpelledReadings
from server.adapters.postgres.unit_of_work import PostgresUnitOfWork
from server.assembly.shared import Shared
from server.content.analyze_text import AnalyzeText
from server.content.batch_get_sentences import BatchGetSentences
from server.content.create_import import CreateImport
from server.content.create_sentence import CreateSentence
from server.content.delete_pronunciation import DeletePronunciation
from server.content.delete_sentence import DeleteSentence
from server.content.domain.imports import ImportId
from server.content.get_import import GetImport
from server.content.get_sentence import GetSentence
from server.content.import_uploads import ImportUploads
from server.content.list_imports import ListImports
from server.content.list_pronunciations import ListPronunciations
from server.content.list_sentences import ListSentences
from server.content.preview_import import PreviewImport
from server.content.push_import_chunk import PushImportChunk
from server.content.servicer import ContentServicer, ContentUseCases
from server.content.set_pronunciation import SetPronunciation
from server.content.start_import import StartImport
from server.content.undelete_sentence import UndeleteSentence
from server.content.update_sentence import UpdateSentence
from server.content.upload_import import UploadImport
from server.jobs.domain.kinds import JobKind
from server.jobs.start_job import StartJob
from server.kernel.identity import UserId
from server.rpc.server import Service


def content(shared: Shared, analyser: SpelledReadings) -> Service:
    """ContentService."""
    uploads = ImportUploads(shared.unit_of_work, shared.store, shared.clock, shared.ids)
    start_job = StartJob(shared.clock, shared.ids)

    async def start_import_job(uow: PostgresUnitOfWork, user_id: UserId, import_id: ImportId) -> str:
        return await start_job(uow, user_id, JobKind.IMPORT, {}, import_id)

    servicer = ContentServicer(
        ContentUseCases(
            list_sentences=ListSentences(shared.unit_of_work),
            get_sentence=GetSentence(shared.unit_of_work),
            batch_get_sentences=BatchGetSentences(shared.unit_of_work),
            create_sentence=CreateSentence(shared.unit_of_work, analyser, shared.clock, shared.ids),
            update_sentence=UpdateSentence(shared.unit_of_work, analyser, shared.clock),
            delete_sentence=DeleteSentence(shared.unit_of_work, shared.clock),
            undelete_sentence=UndeleteSentence(shared.unit_of_work, shared.clock),
            analyze_text=AnalyzeText(shared.unit_of_work, shared.analyser),
            list_pronunciations=ListPronunciations(shared.unit_of_work),
            set_pronunciation=SetPronunciation(shared.unit_of_work, shared.clock, shared.ids),
            delete_pronunciation=DeletePronunciation(shared.unit_of_work, shared.clock),
            create_import=CreateImport(shared.unit_of_work, shared.clock, shared.ids),
            upload_import=UploadImport(uploads),
            push_import_chunk=PushImportChunk(uploads),
            preview_import=PreviewImport(shared.unit_of_work, shared.store, ProcessImportReader()),
            start_import=StartImport(shared.unit_of_work, start_import_job, shared.clock),
            get_import=GetImport(shared.unit_of_work),
            list_imports=ListImports(shared.unit_of_work),
        ),
        shared.page_tokens,
    )
    return Service("kaiwa.content.v1.ContentService", content_rpc.add_ContentServiceServicer_to_server, servicer)
