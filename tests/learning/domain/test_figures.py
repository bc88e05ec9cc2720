"""The figures add up, whatever is added and taken away, in whatever order."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from server.learning.domain.card import CardId, Skill, State
from server.learning.domain.figures import Figures, Material, Retention, difference, tally, total
from server.learning.domain.review import KIND_IN, AnswerEffect, Rating, ReviewId, ReviewKind

MONDAY = date(2026, 11, 23)
DAYS = timedelta(days=1)


def effect(
    *,
    day: date = MONDAY,
    skill: Skill = Skill.READING,
    hour: int = 12,
    kind: ReviewKind = ReviewKind.REVIEW,
    rating: Rating = Rating.GOOD,
    time_taken: timedelta | None = timedelta(seconds=5),
    before: tuple[State, timedelta | None] = (State.REVIEW, 10 * DAYS),
    after: tuple[State, timedelta | None] = (State.REVIEW, 12 * DAYS),
    first_of_day: bool = True,
    first_ever: bool = False,
) -> AnswerEffect:
    """An answer; by default a good one to a young card."""
    return AnswerEffect(
        review_id=ReviewId("r"),
        card_id=CardId("c"),
        skill=skill,
        day=day,
        hour=hour,
        kind=kind,
        rating=rating,
        time_taken=time_taken,
        state_before=before[0],
        state_after=after[0],
        interval_before=before[1],
        interval_after=after[1],
        first_of_day=first_of_day,
        first_ever=first_ever,
    )


PLACES = st.tuples(
    st.sampled_from([State.LEARNING, State.REVIEW, State.RELEARNING]),
    st.sampled_from([timedelta(minutes=10), DAYS, 20 * DAYS, 21 * DAYS, 100 * DAYS]),
)
EFFECTS = st.builds(
    lambda before, after, filtered, **others: effect(
        before=before, after=after, kind=ReviewKind.FILTERED if filtered else KIND_IN[before[0]], **others
    ),
    before=PLACES | st.just((State.NEW, None)),
    after=PLACES,
    filtered=st.booleans(),
    day=st.sampled_from([MONDAY, MONDAY + DAYS]),
    skill=st.sampled_from(Skill),
    hour=st.integers(0, 23),
    rating=st.sampled_from(Rating),
    time_taken=st.none() | st.timedeltas(timedelta(), timedelta(seconds=60)),
    first_of_day=st.booleans(),
    first_ever=st.booleans(),
)


@settings(deadline=None)
@given(st.lists(EFFECTS), st.lists(EFFECTS), st.lists(EFFECTS))
def test_what_is_kept_by_differences_is_what_is_summed_up_anew(
    stays: list[AnswerEffect], removed: list[AnswerEffect], added: list[AnswerEffect]
) -> None:
    kept = tally([*stays, *removed])
    for key, change in difference(removed, added).items():
        kept[key] = kept.get(key, Figures()) + change

    assert {key: figures for key, figures in kept.items() if figures.answers} == tally([*added, *stays])


@settings(deadline=None)
@given(st.lists(EFFECTS))
def test_every_answer_is_counted_once_in_each_way(effects: list[AnswerEffect]) -> None:
    figures = total(tally(effects).values())

    assert figures.answers == sum(figures.hour_answers) == sum(figures.ratings().values()) == len(effects)
    assert sum(figures.retention(material).answers for material in Material) == len(effects)
    assert sum(figures.hour_correct) == figures.retention().correct
    assert not figures.shrinks


def test_an_unknown_is_not_zero() -> None:
    nothing = Figures()

    assert (nothing.accuracy, nothing.average_response_time, nothing.true_retention.rate) == (None, None, None)


def test_true_retention_is_of_graduated_cards_only() -> None:
    young, mature = (State.REVIEW, 20 * DAYS), (State.REVIEW, 21 * DAYS)
    effects = [
        effect(before=young),
        effect(before=young, rating=Rating.AGAIN, after=(State.RELEARNING, timedelta(minutes=10))),
        effect(before=mature, after=mature, rating=Rating.HARD),
        effect(before=mature, after=mature, kind=ReviewKind.FILTERED, rating=Rating.AGAIN),
        effect(kind=ReviewKind.RELEARNING, before=(State.RELEARNING, timedelta(minutes=10)), rating=Rating.AGAIN),
        effect(kind=ReviewKind.LEARNING, before=(State.NEW, None), rating=Rating.AGAIN),
    ]
    figures = total(tally(effects).values())

    assert figures.retention(Material.YOUNG) == Retention(2, 1)
    assert figures.retention(Material.MATURE) == Retention(1, 1)
    assert figures.true_retention == Retention(3, 2)
    assert figures.retention() == Retention(6, 2)
    assert figures.accuracy == 2 / 6


def test_a_card_is_introduced_graduates_and_matures() -> None:
    learning, young, mature = (State.LEARNING, timedelta(minutes=10)), (State.REVIEW, DAYS), (State.REVIEW, 21 * DAYS)
    effects = [
        effect(kind=ReviewKind.LEARNING, before=(State.NEW, None), after=learning, first_ever=True),
        effect(kind=ReviewKind.LEARNING, before=learning, after=young, first_of_day=False),
        effect(before=young, after=mature, first_of_day=False),
        effect(before=mature, after=mature, first_of_day=False),
        effect(before=young, after=mature, kind=ReviewKind.FILTERED, first_of_day=False),
    ]
    figures = total(tally(effects).values())

    assert figures.new_cards_introduced == figures.cards_graduated == figures.cards_learned == 1
    assert figures.cards_reviewed == 1


def test_times_that_were_not_measured_are_left_out() -> None:
    effects = [
        effect(time_taken=timedelta(seconds=4)),
        effect(time_taken=timedelta(seconds=8)),
        effect(time_taken=None),
    ]
    figures = total(tally(effects).values())

    assert figures.time_studied == timedelta(seconds=12)
    assert figures.average_response_time == timedelta(seconds=6)
