"""GetSettings fills in every default."""

from __future__ import annotations

from datetime import timedelta

from kaiwa.learning.v1 import card_pb2, settings_pb2
from kaiwa.learning.v1 import learning_service_pb2 as pb
from tests.support.learning import OF_MIKA, Study, length


async def test_a_new_learner_has_anki_s_defaults(study: Study) -> None:
    answer = await study.stub.GetSettings(pb.GetSettingsRequest(), metadata=OF_MIKA)

    assert not answer.rescheduling
    assert answer.settings == settings_pb2.LearningSettings(
        scheduler=card_pb2.SCHEDULER_FSRS_6,
        desired_retention=0.9,
        starting_ease_factor=2.5,
        learning_steps=[length(timedelta(minutes=1)), length(timedelta(minutes=10))],
        relearning_steps=[length(timedelta(minutes=10))],
        graduating_interval_days=1,
        easy_interval_days=4,
        max_interval_days=36500,
        fuzz_enabled=True,
        new_cards_per_day=20,
        reviews_per_day=200,
        learn_ahead=length(timedelta(minutes=20)),
        new_card_order=settings_pb2.NEW_CARD_ORDER_ADDED,
        bury_siblings=True,
        leech_threshold=8,
        leech_action=settings_pb2.LEECH_ACTION_MARK,
    )
