"""Intervals: how often they hold the truth, and what pairing is worth."""

import numpy as np
import pytest

from capotasto.evaluate.answers import Answers
from capotasto.evaluate.bootstrap import RESAMPLES, interval, resamples
from capotasto.evaluate.metrics import METRICS

ACCURACY, LOSS = METRICS["accuracy"], METRICS["loss"]


def right(hits: np.ndarray) -> Answers:
    return Answers(np.ones(len(hits)), np.ones(len(hits), int), hits.astype(int), np.ones(len(hits), int), classes=2)


def test_resamples_are_the_data_and_then_draws_from_them() -> None:
    weights = resamples(7)
    assert weights.shape == (RESAMPLES + 1, 7)
    assert (weights[0] == 1).all()
    assert (weights.sum(1) == 7).all()
    assert weights[1:].std() > 0.5
    assert (weights == resamples(7)).all()
    assert (weights[1:] != resamples(7, seed=1)[1:]).any()


def test_rows_of_one_prompt_are_drawn_together() -> None:
    prompts = np.array([0, 1, 0, 2, 1])
    weights = resamples(5, prompts=prompts)
    assert (weights[0] == 1).all()
    assert (weights[:, 0] == weights[:, 2]).all()
    assert (weights[:, 1] == weights[:, 4]).all()
    assert (weights[:, [0, 1, 3]].sum(1) == 3).all()


@pytest.mark.parametrize("chance", [0.5, 0.8])
def test_the_interval_holds_the_truth_about_95_times_in_100(chance: float) -> None:
    random = np.random.default_rng(0)
    weights = resamples(80)
    trials = 400
    held = 0
    for _ in range(trials):
        found = interval(ACCURACY(right(random.random(80) < chance), weights))
        held += found.low <= chance <= found.high
    assert 0.91 <= held / trials <= 0.98


def test_the_interval_narrows_with_the_root_of_the_rows() -> None:
    random = np.random.default_rng(1)
    few, many = (interval(ACCURACY(right(random.random(rows) < 0.7), resamples(rows))) for rows in (50, 800))
    assert (few.high - few.low) / (many.high - many.low) == pytest.approx(4, rel=0.25)


def test_a_difference_on_the_same_rows_is_narrower_than_one_on_others() -> None:
    """Rows that are hard are hard for both; what is common to them cancels."""
    random = np.random.default_rng(2)
    hard = random.gamma(2, 2, 100)
    one, other = (Answers(hard + random.normal(0.5, 0.1, 100) * better, np.ones(100, int)) for better in (0, 1))
    weights = resamples(100)
    paired = interval(LOSS(one, weights) - LOSS(other, weights))
    unpaired = LOSS(one, resamples(100, seed=3))[1:] - LOSS(other, resamples(100, seed=4))[1:]
    low, high = np.quantile(unpaired, [0.025, 0.975])
    assert paired.high < 0 < high
    assert paired.high - paired.low < (high - low) / 5
    assert paired.value == pytest.approx(float(LOSS(one, weights)[0] - LOSS(other, weights)[0]))
