"""UpdateSettings changes settings from now on, and moves cards where it says so."""

from __future__ import annotations

from datetime import timedelta

import grpc
import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from google.type.date_pb2 import Date

from kaiwa.learning.v1 import card_pb2, review_pb2, settings_pb2
from kaiwa.learning.v1 import learning_service_pb2 as pb
from server.learning.domain.fsrs import DEFAULT_WEIGHTS
from tests.support.kernel import NOON
from tests.support.learning import AGAIN, EASY, GOOD, OF_MIKA, Study, length, moment, refused
from tests.support.rpc import failure_of


async def history(study: Study, card_id: str) -> list[review_pb2.Review]:
    return list((await study.stub.GetCard(pb.GetCardRequest(card_id=card_id), metadata=OF_MIKA)).reviews)


async def test_only_what_the_mask_names_changes_and_zero_is_the_default(study: Study) -> None:
    changed = await study.set(new_cards_per_day=0, desired_retention=0.85, learn_ahead=length(timedelta()))
    assert changed.settings.new_cards_per_day == 0
    assert changed.settings.desired_retention == 0.85
    assert changed.settings.learn_ahead == length(timedelta())
    assert changed.settings.reviews_per_day == 200
    assert moment(changed.settings.update_time) == NOON
    back = await study.set(desired_retention=0.0)
    assert back.settings.desired_retention == 0.9
    assert (await study.stub.GetSettings(pb.GetSettingsRequest(), metadata=OF_MIKA)).settings == back.settings


async def test_a_change_that_changes_nothing_leaves_no_trace(study: Study) -> None:
    first = await study.set(new_cards_per_day=7)
    study.clock.advance(timedelta(hours=1))
    assert await study.set(new_cards_per_day=7) == first
    assert await study.count("settings_changes") == 1


@pytest.mark.parametrize("paths", [[], ["*"], ["sequence"], ["vacation.last_day"], ["update_time"]])
async def test_a_mask_that_is_not_allowed_is_refused(study: Study, paths: list[str]) -> None:
    request = pb.UpdateSettingsRequest(settings=settings_pb2.LearningSettings(), update_mask=FieldMask(paths=paths))
    error = failure_of(await refused(study.stub.UpdateSettings(request, metadata=OF_MIKA)))
    assert (error.code, error.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "ERROR_REASON_INVALID_FIELD_MASK")


async def test_weights_out_of_range_are_refused_by_name(study: Study) -> None:
    weights = [*DEFAULT_WEIGHTS]
    weights[20] = 0.9
    request = pb.UpdateSettingsRequest(
        settings=settings_pb2.LearningSettings(fsrs_weights=weights), update_mask=FieldMask(paths=["fsrs_weights"])
    )
    error = failure_of(await refused(study.stub.UpdateSettings(request, metadata=OF_MIKA)))
    assert error.reason == "ERROR_REASON_SCHEDULER_WEIGHTS_INVALID"
    assert error.metadata == {"field": "settings.fsrs_weights[20]", "lowest": "0.1", "highest": "0.8"}


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"today_limits": settings_pb2.DayLimits(day=Date(year=2026, month=11, day=24))}, "settings.today_limits.day"),
        (
            {"vacation": settings_pb2.Vacation(first_day=Date(year=2026, month=11, day=22))},
            "settings.vacation.first_day",
        ),
        (
            {
                "vacation": settings_pb2.Vacation(
                    first_day=Date(year=2026, month=12, day=2), last_day=Date(year=2026, month=12, day=1)
                )
            },
            "settings.vacation.last_day",
        ),
    ],
)
async def test_days_that_do_not_fit_are_refused(study: Study, settings: dict[str, object], field: str) -> None:
    request = pb.UpdateSettingsRequest(
        settings=settings_pb2.LearningSettings(**settings),  # type: ignore[arg-type]
        update_mask=FieldMask(paths=list(settings)),
    )
    error = failure_of(await refused(study.stub.UpdateSettings(request, metadata=OF_MIKA)))
    assert error.fields == (field,)


async def test_a_repeat_with_its_request_id_gets_the_first_answer(study: Study) -> None:
    request = pb.UpdateSettingsRequest(
        settings=settings_pb2.LearningSettings(new_cards_per_day=3),
        update_mask=FieldMask(paths=["new_cards_per_day"]),
        request_id=study.new_id(),
    )
    first = await study.stub.UpdateSettings(request, metadata=OF_MIKA)
    study.clock.advance(timedelta(hours=1))
    await study.set(new_cards_per_day=4)
    assert await study.stub.UpdateSettings(request, metadata=OF_MIKA) == first
    answer = await study.stub.GetSettings(pb.GetSettingsRequest(), metadata=OF_MIKA)
    assert answer.settings.new_cards_per_day == 4


async def test_another_scheduler_replays_every_card_and_back_again(study: Study) -> None:
    await study.set(fuzz_enabled=False)
    studied, new = await study.add_cards(2)
    for rating in (GOOD, GOOD, GOOD, AGAIN, GOOD, EASY):
        study.clock.advance(timedelta(days=3))
        await study.review(studied.id, rating)
    before = await study.card(studied.id)
    study.clock.advance(timedelta(hours=1))

    await study.set(scheduler=card_pb2.SCHEDULER_SM_2)

    moved = await study.card(studied.id)
    assert moved.scheduler == card_pb2.SCHEDULER_SM_2
    assert moved.HasField("ease_factor")
    assert not moved.HasField("stability")
    assert (moved.state, moved.repetitions) == (before.state, before.repetitions)
    assert (await study.card(new.id)).scheduler == card_pb2.SCHEDULER_SM_2
    entry = (await history(study, studied.id))[0]
    assert entry.kind == review_pb2.REVIEW_KIND_RESCHEDULED
    assert entry.given.interval == moved.interval
    assert len(await history(study, new.id)) == 0
    await study.check_replay()
    study.clock.advance(timedelta(days=4))
    assert (await study.review(studied.id)).card.ease_factor > 0
    await study.check_replay()
    await study.set(scheduler=card_pb2.SCHEDULER_FSRS_6)
    assert (await study.card(studied.id)).HasField("stability")
    await study.check_replay()


async def test_a_change_of_retention_moves_cards_only_when_asked(study: Study) -> None:
    await study.set(fuzz_enabled=False)
    (card,) = await study.add_cards()
    before = await study.graduate(card.id)
    study.clock.advance(timedelta(hours=1))
    await study.set(desired_retention=0.8)
    assert (await study.card(card.id)).due_day == before.due_day
    await study.set(desired_retention=0.75, reschedule=True)
    after = await study.card(card.id)
    assert after.interval.ToTimedelta() > before.interval.ToTimedelta()
    assert after.stability == before.stability
    await study.check_replay()


async def test_a_late_answer_is_replayed_under_the_settings_of_its_time(study: Study) -> None:
    (card,) = await study.add_cards()
    study.clock.advance(timedelta(days=1))
    late = study.submission(card.id, GOOD, NOON + timedelta(hours=1))
    await study.set(learning_steps=[length(timedelta(hours=5))])
    done = await study.submit(late)
    assert done.card.interval == length(timedelta(minutes=10))
    assert done.card.step == 1
    await study.check_replay()


async def test_a_vacation_moves_what_is_due_after_its_start_and_gives_back_what_is_not_taken(study: Study) -> None:
    await study.set(fuzz_enabled=False)
    (card,) = await study.add_cards()
    before = await study.graduate(card.id)
    assert before.due_day == Date(year=2026, month=12, day=1)
    study.clock.advance(timedelta(hours=1))

    await study.set(
        vacation=settings_pb2.Vacation(
            first_day=Date(year=2026, month=11, day=26), last_day=Date(year=2026, month=12, day=5)
        )
    )

    assert (await study.card(card.id)).due_day == Date(year=2026, month=12, day=11)
    await study.check_replay()
    study.clock.advance(timedelta(days=4))
    assert len((await study.queue()).cards) == 0
    await study.set(vacation=None)
    assert (await study.card(card.id)).due_day == Date(year=2026, month=12, day=2)
    await study.check_replay()


async def test_an_open_vacation_moves_cards_when_it_ends(study: Study) -> None:
    (card,) = await study.add_cards()
    await study.set(fuzz_enabled=False)
    await study.graduate(card.id)
    study.clock.advance(timedelta(hours=1))
    await study.set(vacation=settings_pb2.Vacation(first_day=Date(year=2026, month=11, day=24)))
    study.clock.advance(timedelta(days=30))
    assert (await study.queue()).counts.due_reviews == 0
    await study.set(vacation=None)
    assert (await study.card(card.id)).due_day == Date(year=2026, month=12, day=30)
    await study.check_replay()
