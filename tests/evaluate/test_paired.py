"""Differences of contenders: against a naive twin, against known distributions, and how often they are wrong."""

from statistics import NormalDist, pstdev

import numpy as np
import pytest

from capotasto.evaluate import paired
from capotasto.evaluate.answers import Answers
from capotasto.evaluate.bootstrap import RESAMPLES, resamples


def naive(one: list[float], other: list[float], weights: np.ndarray) -> tuple[float, float, float, float]:
    """Value, interval and p-value, resample by resample and row by row."""
    rows = len(one)
    gaps = []
    for times in weights:
        total = sum(times[row] * (one[row] - other[row]) for row in range(rows))
        gaps.append(total / sum(times))
    drawn, expansion = sorted(gaps[1:]), paired.Expansion(rows)
    low, high = (_quantile(drawn, share) for share in (expansion.tail, 1 - expansion.tail))
    below, above = sum(gap <= 0 for gap in drawn), sum(gap >= 0 for gap in drawn)
    beyond = min(below, above)
    far = -NormalDist().inv_cdf(min(0.5, (beyond + 1) / (len(drawn) + 1)))
    deviation = far if beyond else max(far, abs(gaps[0]) / pstdev(drawn))
    return gaps[0], low, high, expansion.p_value(deviation)


def _quantile(ordered: list[float], share: float) -> float:
    place = share * (len(ordered) - 1)
    low = int(place)
    return ordered[low] + (place - low) * (ordered[min(low + 1, len(ordered) - 1)] - ordered[low])


def naive_best(scores: list[list[float]], own: int, best: int, weights: np.ndarray) -> tuple[float, float, float]:
    """Value, reach and p-value against the best, pair by pair."""
    rows = len(scores[0])
    wide = paired.Expansion(rows).factor
    studentised, errors = [], []
    for other in scores:
        gaps = [float(np.average(np.subtract(scores[own], other), weights=times)) for times in weights]
        spread = [wide * (gap - gaps[0]) for gap in gaps[1:]]
        error = float(np.std(spread))
        errors.append(error)
        studentised.append([abs(gap) / error if error else 0.0 for gap in spread])
    largest = [max(column) for column in zip(*studentised, strict=True)]
    value = float(np.mean(scores[own]) - np.mean(scores[best]))
    beyond = sum(one >= abs(value) / errors[best] for one in largest)
    return value, _quantile(sorted(largest), 0.95) * errors[best], (beyond + 1) / (len(largest) + 1)


@pytest.fixture
def scores() -> np.ndarray:
    """[4, 25] what four contenders earned on 25 rows; the last is much better."""
    random = np.random.default_rng(0)
    return random.normal(0, 1, 25) + random.normal(0, 0.4, (4, 25)) + np.array([[0], [0.1], [0.2], [0.9]])


def test_the_difference_to_a_control_equals_that_of_the_naive_twin(scores: np.ndarray) -> None:
    weights = resamples(25)[:301]
    values = scores @ weights.T / weights.sum(1)
    for own, found in zip(scores[1:], paired.against(values[1:], values[0], 25), strict=True):
        twin = naive(own.tolist(), scores[0].tolist(), weights)
        assert (found.value, found.low, found.high, found.p) == pytest.approx(twin)


def test_the_difference_to_the_best_equals_that_of_the_naive_twin(scores: np.ndarray) -> None:
    weights = resamples(25)[:301]
    values = scores @ weights.T / weights.sum(1)
    for own, found in enumerate(paired.against_best(values, 3, 25)[:3]):
        value, reach, p = naive_best(scores.tolist(), own, 3, weights)
        assert (found.value, found.low, found.high) == pytest.approx((value, value - reach, value + reach))
        assert found.p == pytest.approx(p)


def test_against_the_best_is_wider_than_against_one_that_was_named_before(scores: np.ndarray) -> None:
    values = scores @ resamples(25).T / 25
    named = paired.against(values[:3], values[3], 25)
    chosen = paired.against_best(values, 3, 25)
    assert all(late.high - late.low > 1.1 * (one.high - one.low) for one, late in zip(named, chosen, strict=False))
    assert chosen[3] == paired.Contrast(0, 0, 0, 1)
    assert all(one.is_clear for one in chosen[:3])


def test_eleven_clear_differences_on_few_rows_stay_clear_after_correction() -> None:
    """With 2,000 resamples none of which lies beyond zero, p would end at 0.005, eleven times which is above 0.05."""
    right = np.array([[1.0] * 17 + [0]] * 11)
    found = paired.against(right @ resamples(18).T / 18, np.array([1.0, 0, 0] * 6) @ resamples(18).T / 18, 18)
    assert max(paired.holm(np.array([one.p for one in found]))) < paired.LEVEL


def test_a_difference_may_be_turned() -> None:
    assert paired.Contrast(0.2, -0.1, 0.5, 0.3).turned == paired.Contrast(-0.2, -0.5, 0.1, 0.3)


def test_contenders_with_the_same_answers_do_not_differ() -> None:
    values = np.tile([1.0, 0, 1, 1, 0, 1, 1, 0, 1, 0], (3, 1)) @ resamples(10).T / 10
    same = paired.Contrast(0, 0, 0, 1)
    assert paired.against(values[1:], values[0], 10) == [same, same]
    assert paired.against_best(values, 0, 10) == [same, same, same]


def test_a_corpus_metric_is_computed_anew_in_each_resample() -> None:
    """Nats over tokens: not the mean of the rows' own losses, where rows differ in length."""
    answers = Answers(sums=np.array([10.0, 1, 6]), counts=np.array([10, 1, 2]))
    weights = np.array([[1.0, 1, 1], [3, 0, 0], [0, 1, 2]])
    quality = -answers.sums / answers.counts
    assert paired.resampled("loss", answers, quality, weights) == pytest.approx([17 / 13, 1, 13 / 5])
    assert paired.resampled("rouge_l", answers, np.array([0.5, 1, 0]), weights) == pytest.approx([0.5, 0.5, 1 / 3])
    assert paired.resampled("loss", Answers(), quality, weights)[1] == pytest.approx(1), "lower stays lower"


@pytest.mark.parametrize("rows", [10, 30, 100, 1000])
def test_the_expansion_is_students(rows: int) -> None:
    from scipy import stats

    found, shrink = paired.Expansion(rows), ((rows - 1) / rows) ** 0.5
    exact = stats.t.ppf(0.975, rows - 1) / shrink
    assert found.factor == pytest.approx(exact / stats.norm.ppf(0.975), rel=0.015)
    assert found.tail == pytest.approx(stats.norm.cdf(-exact), rel=0.1)
    for share in (0.001, 0.02, 0.3):
        exact = 2 * stats.t.cdf(stats.norm.ppf(share) * shrink, rows - 1)
        assert found.p_value(-stats.norm.ppf(share)) == pytest.approx(exact, rel=0.01 + 1.5 / rows)
    assert found.p_value(0) == 1
    assert found.p_value(-stats.norm.ppf(found.tail)) == pytest.approx(0.05), (
        "an interval leaves out zero where p is below"
    )


def test_one_row_has_an_expansion_too() -> None:
    assert 1 < paired.Expansion(1).factor < 2


def test_holm_steps_down() -> None:
    # Sorted 0.01, 0.02, 0.03, 0.5: times 4, 3, 2, 1 is 0.04, 0.06, 0.06 (it never falls again), 0.5.
    assert paired.holm(np.array([0.5, 0.01, 0.03, 0.02])) == pytest.approx([0.5, 0.04, 0.06, 0.06])
    assert paired.holm(np.array([0.9, 0.8])).tolist() == [1, 1]
    assert paired.holm(np.array([])).tolist() == []


@pytest.mark.parametrize("rows", [30, 200])
def test_equals_are_told_apart_one_time_in_twenty(rows: int) -> None:
    random = np.random.default_rng(rows)
    gaps = random.normal(0, 1, (1000, rows)) * random.gamma(2, 1, rows)
    values = gaps @ resamples(rows).T / rows
    found = paired.against(values, np.zeros(RESAMPLES + 1), rows)
    assert 0.93 <= np.mean([not one.is_clear for one in found]) <= 0.97
    assert np.mean([one.p < paired.LEVEL for one in found]) == pytest.approx(0.05, abs=0.02)


def test_among_many_equals_nobody_is_marked_and_none_is_ruled_out() -> None:
    """Uncorrected, one of eleven equals is called different from the base in a quarter of the comparisons."""
    random = np.random.default_rng(3)
    weights, families = resamples(60), 100
    marked = uncorrected = kept = 0
    for _ in range(families):
        values = (random.random((12, 60)) < 0.7) @ weights.T / 60
        p = np.array([one.p for one in paired.against(values[1:], values[0], 60)])
        uncorrected += bool((p < 0.05).any())
        marked += bool((paired.holm(p) < 0.05).any())
        kept += not paired.against_best(values, int(values[:, 0].argmax()), 60)[0].is_clear
    assert uncorrected >= 20
    assert marked <= 10
    assert kept >= 90
