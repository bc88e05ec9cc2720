"""LearningService: each method decodes, calls one use case, encodes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import grpc
from google.protobuf.message import Message

from kaiwa.learning.v1 import learning_service_pb2 as pb
from kaiwa.learning.v1 import learning_service_pb2_grpc as pb_grpc
from server.learning.add_cards import AddCards
from server.learning.bury_cards import BuryCards
from server.learning.change_cards import ChangedCards
from server.learning.domain.card import CardId, SentenceId
from server.learning.domain.review import ReviewId
from server.learning.domain.sync import StoredSettings
from server.learning.get_card import GetCard
from server.learning.get_daily_stats import GetDailyStats
from server.learning.get_forecast import GetForecast
from server.learning.get_progress import GetProgress
from server.learning.get_review_queue import GetReviewQueue
from server.learning.get_settings import GetSettings
from server.learning.get_stats import GetStats
from server.learning.get_trends import GetTrends
from server.learning.list_cards import ListCards
from server.learning.mapping import cursors, requests, results, statistics
from server.learning.mapping.enums import SKILL_FROM, day_of
from server.learning.optimize_scheduler import OptimizeScheduler
from server.learning.reset_cards import ResetCards
from server.learning.simulate_workload import SimulateWorkload
from server.learning.submit_review import SubmitReview
from server.learning.submit_reviews import SubmitReviews
from server.learning.suspend_cards import SuspendCards
from server.learning.sync_changes import SyncChanges
from server.learning.unbury_cards import UnburyCards
from server.learning.undo_review import UndoReview
from server.learning.unsuspend_cards import UnsuspendCards
from server.learning.update_settings import UpdateSettings
from server.rpc.call import current_caller
from server.rpc.wire import PageTokens

Context: TypeAlias = grpc.aio.ServicerContext[Message, Message]


@dataclass(frozen=True, slots=True)
class LearningUseCases:
    """What LearningService answers with."""

    get_review_queue: GetReviewQueue
    submit_review: SubmitReview
    submit_reviews: SubmitReviews
    undo_review: UndoReview
    list_cards: ListCards
    get_card: GetCard
    add_cards: AddCards
    suspend_cards: SuspendCards
    unsuspend_cards: UnsuspendCards
    bury_cards: BuryCards
    unbury_cards: UnburyCards
    reset_cards: ResetCards
    get_settings: GetSettings
    update_settings: UpdateSettings
    get_progress: GetProgress
    get_stats: GetStats
    get_daily_stats: GetDailyStats
    get_trends: GetTrends
    get_forecast: GetForecast
    optimize_scheduler: OptimizeScheduler[Any]
    simulate_workload: SimulateWorkload[Any]
    sync_changes: SyncChanges


class LearningServicer(pb_grpc.LearningServiceServicer):
    """Answers LearningService.

    Args:
        use_cases: what answers.
        page_tokens: makes and reads page tokens and cursors.
        check: raises ApplicationError(INVALID_FIELD) when a message breaks the contract's rules.
    """

    def __init__(self, use_cases: LearningUseCases, page_tokens: PageTokens, check: requests.Check) -> None:
        self._use = use_cases
        self._page_tokens = page_tokens
        self._check = check

    async def GetReviewQueue(self, request: pb.GetReviewQueueRequest, context: Context) -> pb.GetReviewQueueResponse:
        queue = await self._use.get_review_queue(
            current_caller(),
            requests.card_filter(request.filter),
            requests.limit(request.limit),
            without_rescheduling=request.without_rescheduling,
        )
        return results.queue_message(queue)

    async def SubmitReview(self, request: pb.SubmitReviewRequest, context: Context) -> pb.SubmitReviewResponse:
        done = await self._use.submit_review(current_caller(), requests.submission(request.review, "review"))
        return pb.SubmitReviewResponse(
            review=results.review_message(done.review), card=results.card_message(done.card, done.days)
        )

    async def SubmitReviews(self, request: pb.SubmitReviewsRequest, context: Context) -> pb.SubmitReviewsResponse:
        done = await self._use.submit_reviews(current_caller(), requests.submissions(request, self._check))
        return results.submissions_message(done, [review.review_id for review in request.reviews])

    async def UndoReview(self, request: pb.UndoReviewRequest, context: Context) -> pb.UndoReviewResponse:
        return results.undone_message(
            await self._use.undo_review(current_caller(), ReviewId(request.review_id.lower()))
        )

    async def ListCards(self, request: pb.ListCardsRequest, context: Context) -> pb.ListCardsResponse:
        listed = await self._use.list_cards(
            current_caller(), requests.selection(request), self._page_tokens.request("ListCards", request)
        )
        return pb.ListCardsResponse(
            cards=(results.card_message(card, listed.days) for card in listed.page.items),
            next_page_token=self._page_tokens.token("ListCards", request, listed.page.next),
        )

    async def GetCard(self, request: pb.GetCardRequest, context: Context) -> pb.GetCardResponse:
        history = await self._use.get_card(
            current_caller(), CardId(request.card_id.lower()), requests.limit(request.review_limit)
        )
        return results.history_message(history)

    async def AddCards(self, request: pb.AddCardsRequest, context: Context) -> pb.AddCardsResponse:
        added = await self._use.add_cards(
            current_caller(),
            list(dict.fromkeys(SentenceId(each.lower()) for each in request.sentence_ids)),
            [SKILL_FROM[skill] for skill in request.skills],
        )
        return results.added_message(added)

    async def SuspendCards(self, request: pb.SuspendCardsRequest, context: Context) -> pb.SuspendCardsResponse:
        def show(done: ChangedCards) -> pb.SuspendCardsResponse:
            return pb.SuspendCardsResponse(cards=results.changed_cards(done), failures=results.card_failures(done))

        reply = requests.reply(show, request, pb.SuspendCardsResponse)
        return await self._use.suspend_cards(current_caller(), requests.cards_to_change(request), reply)

    async def UnsuspendCards(self, request: pb.UnsuspendCardsRequest, context: Context) -> pb.UnsuspendCardsResponse:
        def show(done: ChangedCards) -> pb.UnsuspendCardsResponse:
            return pb.UnsuspendCardsResponse(cards=results.changed_cards(done), failures=results.card_failures(done))

        reply = requests.reply(show, request, pb.UnsuspendCardsResponse)
        return await self._use.unsuspend_cards(current_caller(), requests.cards_to_change(request), reply)

    async def BuryCards(self, request: pb.BuryCardsRequest, context: Context) -> pb.BuryCardsResponse:
        def show(done: ChangedCards) -> pb.BuryCardsResponse:
            return pb.BuryCardsResponse(cards=results.changed_cards(done), failures=results.card_failures(done))

        until = day_of(request.until_day, "until_day") if request.HasField("until_day") else None
        reply = requests.reply(show, request, pb.BuryCardsResponse)
        return await self._use.bury_cards(current_caller(), requests.cards_to_change(request), until, reply)

    async def UnburyCards(self, request: pb.UnburyCardsRequest, context: Context) -> pb.UnburyCardsResponse:
        def show(done: ChangedCards) -> pb.UnburyCardsResponse:
            return pb.UnburyCardsResponse(cards=results.changed_cards(done), failures=results.card_failures(done))

        reply = requests.reply(show, request, pb.UnburyCardsResponse)
        return await self._use.unbury_cards(current_caller(), requests.cards_to_change(request), reply)

    async def ResetCards(self, request: pb.ResetCardsRequest, context: Context) -> pb.ResetCardsResponse:
        def show(done: ChangedCards) -> pb.ResetCardsResponse:
            return pb.ResetCardsResponse(cards=results.changed_cards(done), failures=results.card_failures(done))

        reply = requests.reply(show, request, pb.ResetCardsResponse)
        wanted = requests.cards_to_change(request)
        return await self._use.reset_cards(current_caller(), wanted, reply, counts=request.reset_counts)

    async def GetSettings(self, request: pb.GetSettingsRequest, context: Context) -> pb.GetSettingsResponse:
        stored = await self._use.get_settings(current_caller())
        return pb.GetSettingsResponse(settings=results.settings_message(stored))

    async def UpdateSettings(self, request: pb.UpdateSettingsRequest, context: Context) -> pb.UpdateSettingsResponse:
        def show(stored: StoredSettings) -> pb.UpdateSettingsResponse:
            return pb.UpdateSettingsResponse(settings=results.settings_message(stored))

        reply = requests.reply(show, request, pb.UpdateSettingsResponse)
        return await self._use.update_settings(current_caller(), requests.settings_change(request), reply)

    async def GetProgress(self, request: pb.GetProgressRequest, context: Context) -> pb.GetProgressResponse:
        skills = [SKILL_FROM[skill] for skill in request.skills]
        return statistics.progress_message(await self._use.get_progress(current_caller(), skills))

    async def GetStats(self, request: pb.GetStatsRequest, context: Context) -> pb.GetStatsResponse:
        skills = [SKILL_FROM[skill] for skill in request.skills]
        wanted = statistics.day_range(request)
        return statistics.stats_message(await self._use.get_stats(current_caller(), wanted, skills))

    async def GetDailyStats(self, request: pb.GetDailyStatsRequest, context: Context) -> pb.GetDailyStatsResponse:
        wanted = statistics.day_range(request)
        return statistics.daily_message(await self._use.get_daily_stats(current_caller(), wanted))

    async def GetTrends(self, request: pb.GetTrendsRequest, context: Context) -> pb.GetTrendsResponse:
        wanted, step = statistics.day_range(request), statistics.STEP_FROM[request.step]
        return statistics.trends_message(await self._use.get_trends(current_caller(), wanted, step))

    async def GetForecast(self, request: pb.GetForecastRequest, context: Context) -> pb.GetForecastResponse:
        days, wanted = statistics.forecast_days(request), requests.card_filter(request.filter)
        return statistics.forecast_message(await self._use.get_forecast(current_caller(), days, wanted))

    async def OptimizeScheduler(
        self, request: pb.OptimizeSchedulerRequest, context: Context
    ) -> pb.OptimizeSchedulerResponse:
        def show(job_id: str) -> pb.OptimizeSchedulerResponse:
            return pb.OptimizeSchedulerResponse(job_id=job_id)

        reply = requests.reply(show, request, pb.OptimizeSchedulerResponse)
        return await self._use.optimize_scheduler(current_caller(), statistics.optimization(request), reply)

    async def SimulateWorkload(
        self, request: pb.SimulateWorkloadRequest, context: Context
    ) -> pb.SimulateWorkloadResponse:
        def show(job_id: str) -> pb.SimulateWorkloadResponse:
            return pb.SimulateWorkloadResponse(job_id=job_id)

        reply = requests.reply(show, request, pb.SimulateWorkloadResponse)
        return await self._use.simulate_workload(current_caller(), statistics.simulation(request), reply)

    async def SyncChanges(self, request: pb.SyncChangesRequest, context: Context) -> pb.SyncChangesResponse:
        caller = current_caller()
        after = cursors.position(self._page_tokens, caller, request.cursor)
        done = await self._use.sync_changes(caller, after, cursors.page_size(request))
        return pb.SyncChangesResponse(
            changes=(results.change_message(each, done.days) for each in done.changes),
            next_cursor=cursors.cursor(self._page_tokens, caller, done.next),
            has_more=done.counts is None,
            counts=None if done.counts is None else results.sanity_message(done.counts),
        )
