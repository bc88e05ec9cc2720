import numpy as np
import pytest

from bench.assessment.fitting import conditional_logit, logistic
from bench.assessment.measures import auc, folds, recall_at, spearman, wilson


def test_areas_count_ties_half() -> None:
    assert auc([2, 3], [0, 1]) == 1
    assert auc([0, 1], [0, 1]) == 0.5
    assert auc([1], [1, 2]) == 0.25


def test_rank_correlation() -> None:
    assert spearman([0, 1, 2, 3], [9, 7, 3, 1]) == pytest.approx(-1)
    assert spearman([0, 1, 2], [5, 5, 5]) == 0


def test_recall_is_taken_at_the_threshold_of_false_alarms() -> None:
    assert recall_at([0.5, 2, 3, 4], np.linspace(0, 1, 101), 0.05) == 0.75


def test_wilson_intervals_are_those_of_tables() -> None:
    low, high = wilson(9, 10)
    assert (round(low, 3), round(high, 3)) == (0.596, 0.982)
    assert wilson(0, 0) == (0.0, 1.0)


def test_what_belongs_together_is_never_cut_apart() -> None:
    keys = ["a", "b", "a", "c", "b", "d"]
    cut = folds(keys, 3)
    assert np.sum(cut, axis=0).tolist() == [1] * 6
    for key in set(keys):
        assert (
            len(
                {
                    index
                    for index, fold in enumerate(cut)
                    for k, inside in zip(keys, fold, strict=True)
                    if inside and k == key
                }
            )
            == 1
        )


def test_choices_give_their_weights_back() -> None:
    random = np.random.default_rng(0)
    truth = np.array([1.5, -2.0, 0.0])
    choices = [random.normal(size=(int(random.integers(2, 6)), 3)) for _ in range(4000)]
    chosen = []
    for one in choices:
        likely = np.exp(one @ truth)
        chosen.append(int(random.choice(len(one), p=likely / likely.sum())))
    assert np.abs(conditional_logit(choices, chosen, 1e-6) - truth).max() < 0.15


def test_classes_count_the_same() -> None:
    random = np.random.default_rng(0)
    features = np.concatenate([random.normal(1, 1, (900, 1)), random.normal(-1, 1, (100, 1))])
    weights, bias = logistic(features, np.arange(1000) < 900, 1e-6)
    assert weights[0] == pytest.approx(2, abs=0.5)
    assert abs(bias) < 0.4
