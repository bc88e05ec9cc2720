"""LearningService put together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from kaiwa.learning.v1 import learning_service_pb2_grpc as learning_rpc
from server.adapters.postgres.unit_of_work import PostgresUnitOfWork
from server.assembly.learning_jobs import StartLearningJob
from server.assembly.shared import Shared
from server.content.batch_get_sentences import BatchGetSentences
from server.content.domain.sentence import SentenceId as ContentSentenceId
from server.content.mapping import encode_sentence
from server.jobs.start_job import StartJob
from server.kernel.clock import Clock, IdSource
from server.kernel.identity import Caller
from server.learning.add_cards import AddCards
from server.learning.bury_cards import BuryCards
from server.learning.change_cards import ChangeCards
from server.learning.domain.card import SentenceId
from server.learning.get_card import GetCard
from server.learning.get_daily_stats import GetDailyStats
from server.learning.get_forecast import GetForecast
from server.learning.get_progress import GetProgress
from server.learning.get_review_queue import GetReviewQueue
from server.learning.get_settings import GetSettings
from server.learning.get_stats import GetStats
from server.learning.get_trends import GetTrends
from server.learning.list_cards import ListCards
from server.learning.optimize_scheduler import OptimizeScheduler
from server.learning.reset_cards import ResetCards
from server.learning.servicer import LearningServicer, LearningUseCases
from server.learning.simulate_workload import SimulateWorkload
from server.learning.submit_review import SubmitReview
from server.learning.submit_reviews import SubmitReviews
from server.learning.suspend_cards import SuspendCards
from server.learning.sync_changes import SyncChanges
from server.learning.unbury_cards import UnburyCards
from server.learning.undo_review import UndoReview
from server.learning.unsuspend_cards import UnsuspendCards
from server.learning.update_settings import UpdateSettings
from server.rpc.interceptors.validation import ValidationInterceptor
from server.rpc.server import Service
from server.rpc.wire import PageTokens


def learning(shared: Shared) -> Service:
    """LearningService."""
    return learning_service(shared.unit_of_work, shared.reading, shared.clock, shared.ids, shared.page_tokens)


def learning_service(
    unit_of_work: Callable[[], PostgresUnitOfWork],
    reading: Callable[[], PostgresUnitOfWork],
    clock: Clock,
    ids: IdSource,
    page_tokens: PageTokens,
) -> Service:
    """LearningService of these parts."""
    submit_reviews = SubmitReviews(unit_of_work, clock)
    change_cards = ChangeCards(unit_of_work, clock, ids)
    jobs = StartLearningJob(StartJob(clock, ids))
    use_cases = LearningUseCases(
        get_review_queue=GetReviewQueue(reading, ContentSentences(BatchGetSentences(reading)), clock),
        submit_review=SubmitReview(submit_reviews),
        submit_reviews=submit_reviews,
        undo_review=UndoReview(unit_of_work, clock),
        list_cards=ListCards(unit_of_work, clock),
        get_card=GetCard(unit_of_work, clock),
        add_cards=AddCards(unit_of_work, clock, ids),
        suspend_cards=SuspendCards(change_cards),
        unsuspend_cards=UnsuspendCards(change_cards),
        bury_cards=BuryCards(change_cards),
        unbury_cards=UnburyCards(change_cards),
        reset_cards=ResetCards(change_cards),
        get_settings=GetSettings(unit_of_work),
        update_settings=UpdateSettings(unit_of_work, clock, ids),
        get_progress=GetProgress(unit_of_work, clock),
        get_stats=GetStats(unit_of_work, clock),
        get_daily_stats=GetDailyStats(unit_of_work, clock),
        get_trends=GetTrends(unit_of_work, clock),
        get_forecast=GetForecast(unit_of_work, clock),
        optimize_scheduler=OptimizeScheduler(unit_of_work, jobs, clock),
        simulate_workload=SimulateWorkload(unit_of_work, jobs, clock),
        sync_changes=SyncChanges(unit_of_work),
    )
    return Service(
        "kaiwa.learning.v1.LearningService",
        learning_rpc.add_LearningServiceServicer_to_server,
        LearningServicer(use_cases, page_tokens, ValidationInterceptor().check),
    )


class ContentSentences:
    """Shows content's sentences to learning.

    Args:
        batch_get_sentences: reads them.
    """

    def __init__(self, batch_get_sentences: BatchGetSentences) -> None:
        self._batch_get_sentences = batch_get_sentences

    async def __call__(self, caller: Caller, sentence_ids: Sequence[SentenceId]) -> Mapping[SentenceId, bytes]:
        """Those of the sentences that the caller may see."""
        wanted = [ContentSentenceId(each) for each in dict.fromkeys(sentence_ids)]
        batch = await self._batch_get_sentences(caller, wanted)
        return {SentenceId(sentence.id): encode_sentence(sentence) for sentence in batch.found}
