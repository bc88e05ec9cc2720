"""ContentService put together."""

from __future__ import annotations

from kaiwa.content.v1 import content_service_pb2_grpc as content_rpc
from server.adapters.openjtalk.readings import SpelledReadings
from server.assembly.shared import Shared
from server.content.analyze_text import AnalyzeText
from server.content.batch_get_sentences import BatchGetSentences
from server.content.create_sentence import CreateSentence
from server.content.delete_pronunciation import DeletePronunciation
from server.content.delete_sentence import DeleteSentence
from server.content.get_sentence import GetSentence
from server.content.list_pronunciations import ListPronunciations
from server.content.list_sentences import ListSentences
from server.content.servicer import ContentServicer, ContentUseCases
from server.content.set_pronunciation import SetPronunciation
from server.content.undelete_sentence import UndeleteSentence
from server.content.update_sentence import UpdateSentence
from server.rpc.server import Service


def content(shared: Shared, analyser: SpelledReadings) -> Service:
    """ContentService."""
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
        ),
        shared.page_tokens,
    )
    return Service("kaiwa.content.v1.ContentService", content_rpc.add_ContentServiceServicer_to_server, servicer)
