"""ContentService: each method decodes, calls one use case, encodes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import grpc
from google.protobuf.message import Message

from kaiwa.content.v1 import content_service_pb2 as pb
from kaiwa.content.v1 import content_service_pb2_grpc as pb_grpc
from server.content import mapping
from server.content.analyze_text import AnalyzeText
from server.content.batch_get_sentences import BatchGetSentences
from server.content.create_import import CreateImport
from server.content.create_sentence import CreateSentence
from server.content.delete_pronunciation import DeletePronunciation
from server.content.delete_sentence import DeleteSentence
from server.content.get_import import GetImport
from server.content.get_sentence import GetSentence
from server.content.list_imports import ListImports
from server.content.list_pronunciations import ListPronunciations
from server.content.list_sentences import ListSentences
from server.content.mapping import analysis as analysis_mapping
from server.content.mapping import imports as import_mapping
from server.content.preview_import import PreviewImport
from server.content.push_import_chunk import PushImportChunk
from server.content.set_pronunciation import SetPronunciation
from server.content.start_import import StartImport
from server.content.undelete_sentence import UndeleteSentence
from server.content.update_sentence import UpdateSentence
from server.content.upload_import import UploadImport
from server.rpc.call import current_caller
from server.rpc.wire import PageTokens, body_hash

Context: TypeAlias = grpc.aio.ServicerContext[Message, Message]


@dataclass(frozen=True, slots=True)
class ContentUseCases:
    """What ContentService answers with."""

    list_sentences: ListSentences
    get_sentence: GetSentence
    batch_get_sentences: BatchGetSentences
    create_sentence: CreateSentence
    update_sentence: UpdateSentence
    delete_sentence: DeleteSentence
    undelete_sentence: UndeleteSentence
    analyze_text: AnalyzeText
    list_pronunciations: ListPronunciations
    set_pronunciation: SetPronunciation
    delete_pronunciation: DeletePronunciation
    create_import: CreateImport
    upload_import: UploadImport
    push_import_chunk: PushImportChunk
    preview_import: PreviewImport
    start_import: StartImport[Any]
    get_import: GetImport
    list_imports: ListImports


class ContentServicer(pb_grpc.ContentServiceServicer):
    """Answers ContentService.

    Args:
        use_cases: what answers.
        page_tokens: makes and reads page tokens.
    """

    def __init__(self, use_cases: ContentUseCases, page_tokens: PageTokens) -> None:
        self._use = use_cases
        self._page_tokens = page_tokens

    async def ListSentences(self, request: pb.ListSentencesRequest, context: Context) -> pb.ListSentencesResponse:
        page = await self._use.list_sentences(
            mapping.selection(request, current_caller()),
            mapping.order(request),
            self._page_tokens.request("ListSentences", request),
        )
        return pb.ListSentencesResponse(
            sentences=map(mapping.sentence_message, page.items),
            next_page_token=self._page_tokens.token("ListSentences", request, page.next),
        )

    async def GetSentence(self, request: pb.GetSentenceRequest, context: Context) -> pb.GetSentenceResponse:
        sentence = await self._use.get_sentence(current_caller(), mapping.sentence_id(request.id))
        return pb.GetSentenceResponse(sentence=mapping.sentence_message(sentence))

    async def BatchGetSentences(
        self, request: pb.BatchGetSentencesRequest, context: Context
    ) -> pb.BatchGetSentencesResponse:
        batch = await self._use.batch_get_sentences(current_caller(), [mapping.sentence_id(id_) for id_ in request.ids])
        return pb.BatchGetSentencesResponse(
            sentences=map(mapping.sentence_message, batch.found), missing_ids=batch.missing
        )

    async def CreateSentence(self, request: pb.CreateSentenceRequest, context: Context) -> pb.CreateSentenceResponse:
        sentence = await self._use.create_sentence(current_caller(), mapping.draft(request), mapping.repeat(request))
        return pb.CreateSentenceResponse(sentence=mapping.sentence_message(sentence))

    async def UpdateSentence(self, request: pb.UpdateSentenceRequest, context: Context) -> pb.UpdateSentenceResponse:
        sentence = await self._use.update_sentence(
            current_caller(),
            mapping.sentence_id(request.sentence.id),
            mapping.change(request),
            request.sentence.etag,
        )
        return pb.UpdateSentenceResponse(sentence=mapping.sentence_message(sentence))

    async def DeleteSentence(self, request: pb.DeleteSentenceRequest, context: Context) -> pb.DeleteSentenceResponse:
        sentence = await self._use.delete_sentence(current_caller(), mapping.sentence_id(request.id), request.etag)
        return pb.DeleteSentenceResponse(sentence=mapping.sentence_message(sentence))

    async def UndeleteSentence(
        self, request: pb.UndeleteSentenceRequest, context: Context
    ) -> pb.UndeleteSentenceResponse:
        sentence = await self._use.undelete_sentence(current_caller(), mapping.sentence_id(request.id))
        return pb.UndeleteSentenceResponse(sentence=mapping.sentence_message(sentence))

    async def AnalyzeText(self, request: pb.AnalyzeTextRequest, context: Context) -> pb.AnalyzeTextResponse:
        analysis = await self._use.analyze_text(
            current_caller(),
            request.text,
            reading=request.reading,
            ignore_pronunciations=request.ignore_pronunciations,
        )
        return pb.AnalyzeTextResponse(analysis=analysis_mapping.analysis_message(analysis))

    async def ListPronunciations(
        self, request: pb.ListPronunciationsRequest, context: Context
    ) -> pb.ListPronunciationsResponse:
        page = await self._use.list_pronunciations(
            analysis_mapping.pronunciation_filter(request, current_caller()),
            self._page_tokens.request("ListPronunciations", request),
        )
        return pb.ListPronunciationsResponse(
            pronunciations=map(analysis_mapping.pronunciation_message, page.items),
            next_page_token=self._page_tokens.token("ListPronunciations", request, page.next),
        )

    async def SetPronunciation(
        self, request: pb.SetPronunciationRequest, context: Context
    ) -> pb.SetPronunciationResponse:
        entry = await self._use.set_pronunciation(
            current_caller(), analysis_mapping.pronunciation_draft(request), request.etag
        )
        return pb.SetPronunciationResponse(pronunciation=analysis_mapping.pronunciation_message(entry))

    async def DeletePronunciation(
        self, request: pb.DeletePronunciationRequest, context: Context
    ) -> pb.DeletePronunciationResponse:
        await self._use.delete_pronunciation(
            current_caller(), analysis_mapping.pronunciation_id(request.id), request.etag
        )
        return pb.DeletePronunciationResponse()

    async def CreateImport(self, request: pb.CreateImportRequest, context: Context) -> pb.CreateImportResponse:
        made = await self._use.create_import(
            current_caller(),
            import_mapping.kind(request.kind),
            import_mapping.options(request.options),
            (request.request_id.lower(), body_hash(request)) if request.request_id else None,
        )
        return pb.CreateImportResponse(content_import=import_mapping.import_message(made))

    async def UploadImport(
        self, request_iterator: AsyncIterator[pb.UploadImportRequest], context: Context
    ) -> pb.UploadImportResponse:
        found = await self._use.upload_import(current_caller(), import_mapping.upload_messages(request_iterator))
        return pb.UploadImportResponse(content_import=import_mapping.import_message(found))

    async def PushImportChunk(self, request: pb.PushImportChunkRequest, context: Context) -> pb.PushImportChunkResponse:
        found, file = await self._use.push_import_chunk(
            current_caller(), import_mapping.upload_header(request), request.chunk
        )
        return pb.PushImportChunkResponse(
            file=import_mapping.file_message(file), state=import_mapping.state_message(found.state)
        )

    async def PreviewImport(self, request: pb.PreviewImportRequest, context: Context) -> pb.PreviewImportResponse:
        preview = await self._use.preview_import(
            current_caller(),
            import_mapping.import_id(request.id),
            import_mapping.options(request.options) if request.HasField("options") else None,
            request.row_count,
        )
        return import_mapping.preview_message(preview)

    async def StartImport(self, request: pb.StartImportRequest, context: Context) -> pb.StartImportResponse:
        job_id, started = await self._use.start_import(
            current_caller(),
            import_mapping.import_id(request.id),
            import_mapping.options(request.options) if request.HasField("options") else None,
            (request.request_id.lower(), body_hash(request)) if request.request_id else None,
        )
        return pb.StartImportResponse(job_id=job_id, content_import=import_mapping.import_message(started))

    async def GetImport(self, request: pb.GetImportRequest, context: Context) -> pb.GetImportResponse:
        found = await self._use.get_import(current_caller(), import_mapping.import_id(request.id))
        return pb.GetImportResponse(content_import=import_mapping.import_message(found))

    async def ListImports(self, request: pb.ListImportsRequest, context: Context) -> pb.ListImportsResponse:
        page = await self._use.list_imports(
            current_caller(),
            import_mapping.state_filter(request.state),
            self._page_tokens.request("ListImports", request),
        )
        return pb.ListImportsResponse(
            imports=map(import_mapping.import_message, page.items),
            next_page_token=self._page_tokens.token("ListImports", request, page.next),
        )
