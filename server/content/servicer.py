"""ContentService: each method decodes, calls one use case, encodes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import grpc
from google.protobuf.message import Message

from kaiwa.content.v1 import content_service_pb2 as pb
from kaiwa.content.v1 import content_service_pb2_grpc as pb_grpc
from server.content import mapping
from server.content.analyze_text import AnalyzeText
from server.content.batch_get_sentences import BatchGetSentences
from server.content.create_sentence import CreateSentence
from server.content.delete_pronunciation import DeletePronunciation
from server.content.delete_sentence import DeleteSentence
from server.content.get_sentence import GetSentence
from server.content.list_pronunciations import ListPronunciations
from server.content.list_sentences import ListSentences
from server.content.mapping import analysis as analysis_mapping
from server.content.set_pronunciation import SetPronunciation
from server.content.undelete_sentence import UndeleteSentence
from server.content.update_sentence import UpdateSentence
from server.rpc.call import current_caller
from server.rpc.wire import PageTokens

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
